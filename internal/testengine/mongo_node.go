//go:build unix

package testengine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// patience bounds the wait for anything that a server should do.
const patience = 2 * time.Minute

// janitor is a shell that outlives this process by a moment, even if it is
// killed: it then ends what still runs and removes the folder.
type janitor struct {
	cmd  *exec.Cmd
	wait io.Closer // the janitor's standard input: it waits for its end
}

const janitorScript = `cat >/dev/null
for f in "$1"/*/pid; do
	if [ -s "$f" ]; then kill -9 "$(cat "$f")" 2>/dev/null; fi
done
sleep "$2"
rm -rf "$1"`

// hireJanitor has the janitor wait so many seconds between the two, for what
// children of the programs may write yet.
func hireJanitor(folder string, seconds int) (*janitor, error) {
	cmd := exec.Command("sh", "-c", janitorScript, "janitor", folder, fmt.Sprint(seconds))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is not for it
	wait, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &janitor{cmd, wait}, nil
}

// dismiss has the janitor do its work now.
func (j *janitor) dismiss() {
	_ = j.wait.Close()
	_ = j.cmd.Wait() // a folder that stays is no failure of a test
}

// mongod is one node.
type mongod struct {
	path, folder, address string
	args                  []string
	process               *exec.Cmd // nil while it does not run
	exited                chan struct{}
}

// prepare finds a free port and starts the node on it. Another program may
// take the port in between, and then the next is tried.
func (n *mongod) prepare(m *Mongo) (err error) {
	if err := os.Mkdir(n.folder, 0o700); err != nil {
		return err
	}
	if n.args, err = nodeArgs(m, n.folder); err != nil {
		return err
	}
	for range 3 {
		if n.address, err = freeAddress(); err != nil {
			return err
		}
		if err = n.start(); err == nil {
			return nil
		}
	}
	return err
}

func nodeArgs(m *Mongo, folder string) ([]string, error) {
	args := []string{
		"--dbpath", folder, "--logpath", filepath.Join(folder, "log"), "--logappend",
		"--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25",
		"--setParameter", "diagnosticDataCollectionEnabled=false",
	}
	if !m.o.Standalone {
		args = append(args, "--replSet", m.name, "--oplogSize", fmt.Sprint(cmp.Or(m.o.Oplog, 1024)))
	}
	if m.o.Oplog > 0 {
		args = append(args, "--syncdelay", "1") // nothing goes before a checkpoint came after it
	}
	if m.o.Election > 0 {
		// Who follows a frozen primary has to notice as soon as who elects
		// another: until it follows that one, no write has a majority.
		args = append(args, "--setParameter", "oplogNetworkTimeoutBufferSeconds=1",
			"--setParameter", "oplogFetcherSteadyStateMaxFetcherRestarts=0")
	}
	switch {
	case m.o.Password == "":
	case m.o.Standalone:
		args = append(args, "--auth")
	default: // members prove to each other that they belong together
		key := filepath.Join(folder, "key")
		if err := os.WriteFile(key, []byte(strings.Repeat("seat", 16)), 0o600); err != nil {
			return nil, err
		}
		args = append(args, "--keyFile", key)
	}
	return args, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// start returns once the node answers.
func (n *mongod) start() error {
	_, port, err := net.SplitHostPort(n.address)
	if err != nil {
		return err
	}
	cmd := exec.Command(n.path, append([]string{"--port", port}, n.args...)...)
	out, err := os.Create(filepath.Join(n.folder, "out"))
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := errors.Join(cmd.Start(), out.Close()); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
	n.process, n.exited = cmd, exited
	if err := os.WriteFile(filepath.Join(n.folder, "pid"), fmt.Append(nil, cmd.Process.Pid), 0o600); err != nil {
		return errors.Join(err, n.kill())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return n.await(ctx, func(hello) bool { return true })
}

// kill ends the node at once, and it cannot help it.
func (n *mongod) kill() error {
	if n.process == nil {
		return nil
	}
	if err := n.signal(syscall.SIGKILL); err != nil {
		return err
	}
	n.reap()
	return nil
}

// reap waits for the end of a node that was killed.
func (n *mongod) reap() {
	if n.process == nil {
		return
	}
	<-n.exited
	n.process = nil
	_ = os.Remove(filepath.Join(n.folder, "pid")) // the number may soon be another program's
}

func (n *mongod) signal(s syscall.Signal) error { return n.process.Process.Signal(s) }

// hello is what a node says of itself.
type hello struct {
	Primary   bool `bson:"isWritablePrimary"`
	Secondary bool `bson:"secondary"`
}

// await asks the node until it says what is wanted.
func (n *mongod) await(ctx context.Context, ok func(hello) bool) error {
	client, err := n.connect()
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(context.Background()) }() // a client of ours, with nothing under way
	for {
		var h hello
		if err = client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&h); err == nil && ok(h) {
			return nil
		}
		select {
		case <-n.exited:
			n.reap()
			return fmt.Errorf("%s ended: %s", n.path, n.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s at %s is not ready: %w: %s", n.path, n.address, errors.Join(ctx.Err(), err), n.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// run has this very node do a command of an administrator.
func (n *mongod) run(ctx context.Context, command bson.D) error {
	client, err := n.connect()
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(context.Background()) }() // as above
	return client.Database("admin").RunCommand(ctx, command).Err()
}

func (n *mongod) connect() (*mongo.Client, error) {
	return mongo.Connect(options.Client().SetHosts([]string{n.address}).SetDirect(true).
		SetServerSelectionTimeout(200 * time.Millisecond))
}

// lastWords returns the end of what the node wrote: before it opens its log,
// to its standard output.
func (n *mongod) lastWords() string {
	const enough = 2000
	var words []byte
	for _, name := range []string{"out", "log"} {
		text, err := os.ReadFile(filepath.Join(n.folder, name))
		if err == nil {
			words = append(words, text...)
		}
	}
	return string(words[max(0, len(words)-enough):])
}
