package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestTermEndsStreams: SIGTERM gives every open stream its last word and the
// program ends well, before the time at which it would cut them.
func TestTermEndsStreams(t *testing.T) {
	p := serveProgram(t)
	const viewers = 100
	var open, ended sync.WaitGroup
	words := make([]string, viewers)
	for i := range viewers {
		open.Add(1)
		ended.Go(func() {
			answer, err := http.Get(p.site + "/events/demo/live")
			open.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			all, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Errorf("viewer %d: %v, want a stream that ends well", i, err)
			}
			words[i] = string(all)
		})
	}
	open.Wait()
	p.stop()
	ended.Wait()
	for i, all := range words {
		if !strings.Contains(all, "retry: ") {
			t.Errorf("viewer %d was not told when to come back", i)
		}
	}
	if strings.Contains(p.stderr.String(), "were cut") {
		t.Errorf("streams were cut:\n%s", p.stderr)
	}
	p.start("127.0.0.1:0") // for the clean-up to stop
}

// TestSecondTermEndsAtOnce keeps a request from ending, so that the drain would
// take its whole time.
func TestSecondTermEndsAtOnce(t *testing.T) {
	p := serveProgram(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.site, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprint(conn, "POST /events/demo/lock HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Expect: 100-continue\r\nContent-Length: 7\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	// The interim answer says that the handler reads the body, which never comes.
	if _, err := conn.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(drainWithin); !strings.Contains(p.stderr.String(), "shutting down"); {
		if time.Now().After(deadline) {
			t.Fatalf("no drain began:\n%s", p.stderr)
		}
		time.Sleep(time.Millisecond)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); p.cmd.ProcessState.ExitCode() != exitFault || !strings.Contains(p.stderr.String(), "second signal") {
		t.Errorf("ended with %v and %q, want the second signal to have ended it", err, p.stderr)
	}
	p.start("127.0.0.1:0")
}

// TestTwoServersOneFile: the second is refused in one line, and the first goes
// on.
func TestTwoServersOneFile(t *testing.T) {
	p := serveProgram(t)
	second := exec.Command(p.cmd.Path, "--addr", "127.0.0.1:0", "--store", p.store)
	second.Env = p.cmd.Env
	stdin, err := second.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	out, err := second.CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), strings.TrimPrefix(p.store, "sqlite:")) {
		t.Errorf("%v: %q, want one line and a failure", err, out)
	}
	p.rival().lock("A1")
}
