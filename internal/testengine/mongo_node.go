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

// janitor is a shell process that outlives this one by a moment, even if this
// one is killed: it then kills the programs that still run, and removes the
// folder.
type janitor struct {
	cmd   *exec.Cmd
	stdin io.Closer // the janitor acts when this is closed
}

const janitorScript = `cat >/dev/null
for f in "$1"/*/pid; do
	if [ -s "$f" ]; then kill -9 "$(cat "$f")" 2>/dev/null; fi
done
sleep "$2"
rm -rf "$1"`

// startJanitor starts a janitor. It waits this many seconds before it removes the
// folder, since children of the killed programs may still write there.
func startJanitor(folder string, seconds int) (*janitor, error) {
	cmd := exec.Command("sh", "-c", janitorScript, "janitor", folder, fmt.Sprint(seconds))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // not interrupted from the terminal
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &janitor{cmd, stdin}, nil
}

// cleanUp makes the janitor act now, and waits for it.
func (j *janitor) cleanUp() {
	_ = j.stdin.Close()
	_ = j.cmd.Wait() // a folder that is left does not fail the test
}

// mongod is one node.
type mongod struct {
	path, folder, address string
	args                  []string
	process               *exec.Cmd // nil while it does not run
	exited                chan struct{}
}

// prepare starts the node on a free port. It tries again if another program takes
// the port first.
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
		args = append(args, "--syncdelay", "1") // the oplog is only cut at checkpoints
	}
	if m.o.Election > 0 {
		// A node that follows a frozen primary must notice that as fast as an
		// election does: until it follows the new one, no write has a majority.
		args = append(args, "--setParameter", "oplogNetworkTimeoutBufferSeconds=1",
			"--setParameter", "oplogFetcherSteadyStateMaxFetcherRestarts=0")
	}
	switch {
	case m.o.Password == "":
	case m.o.Standalone:
		args = append(args, "--auth")
	default: // nodes authenticate to each other by a key
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

// start starts the node, and waits until it answers.
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
		_ = cmd.Wait() // the log says how it ended
	}()
	n.process, n.exited = cmd, exited
	if err := os.WriteFile(filepath.Join(n.folder, "pid"), fmt.Append(nil, cmd.Process.Pid), 0o600); err != nil {
		return errors.Join(err, n.kill())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return n.await(ctx, func(hello) bool { return true })
}

// kill ends the node with SIGKILL, and waits for its end.
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
	_ = os.Remove(filepath.Join(n.folder, "pid")) // another process may get the number
}

func (n *mongod) signal(s syscall.Signal) error { return n.process.Process.Signal(s) }

// hello is a node's answer to the command hello.
type hello struct {
	Primary   bool `bson:"isWritablePrimary"`
	Secondary bool `bson:"secondary"`
}

// await asks the node until ok accepts its answer, or it or ctx has ended.
func (n *mongod) await(ctx context.Context, ok func(hello) bool) error {
	client, err := n.connect()
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(context.Background()) }() // nothing is under way on it
	for {
		var h hello
		if err = client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&h); err == nil && ok(h) {
			return nil
		}
		select {
		case <-n.exited:
			n.reap()
			return fmt.Errorf("%s ended: %s", n.path, n.logTail())
		case <-ctx.Done():
			return fmt.Errorf("%s at %s is not ready: %w: %s", n.path, n.address, errors.Join(ctx.Err(), err), n.logTail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// run runs an administrator's command on this node.
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

// logTail returns the end of the node's standard output and log.
func (n *mongod) logTail() string {
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
