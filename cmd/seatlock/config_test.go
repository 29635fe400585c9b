package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestFlagsWinOverEnvironment(t *testing.T) {
	c, err := configure([]string{"--lock-ttl", "90s", "--addr=127.0.0.1:0"},
		environment(map[string]string{"SEATLOCK_LOCK_TTL": "20m", "SEATLOCK_MAX_SEATS": "4", "SEATLOCK_DEMO": "false"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.lockTTL != 90*time.Second || c.maxSeats != 4 || c.demo || c.addr != "127.0.0.1:0" {
		t.Errorf("got %+v", c)
	}
}

// TestEveryFlagHasATwin sets each flag through its environment variable.
func TestEveryFlagHasATwin(t *testing.T) {
	values := map[string]string{
		"addr": "localhost:81", "store": "sqlite:x.db", "base-url": "https://tickets.example", "lock-ttl": "1m",
		"max-seats": "3", "log-format": "json", "log-level": "debug", "demo": "false",
		"memory": "2GiB", "payments": "demo,door", "demo-payments-on-a-public-address": "true",
		"keep-people": "30d", "keep-history": "never",
	}
	c := defaults()
	c.flags().VisitAll(func(f *flag.Flag) {
		value, ok := values[f.Name]
		if !ok {
			t.Errorf("--%s is not in this test", f.Name)
		}
		got, err := configure(nil, environment(map[string]string{envName(f.Name): value}))
		if err != nil {
			t.Fatal(err)
		}
		if text := got.flags().Lookup(f.Name).Value.String(); !strings.HasPrefix(text, value) {
			t.Errorf("%s=%s gives --%s %s", envName(f.Name), value, f.Name, text)
		}
		if !strings.Contains(usage(), "--"+f.Name+" ") || !strings.Contains(usage(), envName(f.Name)) {
			t.Errorf("--help does not tell of --%s and its variable", f.Name)
		}
	})
}

// TestMistakesAreOneLine: a bad value is one clear line and exit code 2.
func TestMistakesAreOneLine(t *testing.T) {
	for _, test := range []struct {
		args []string
		env  map[string]string
		want string
	}{
		{args: []string{"--addr", "3000"}, want: "--addr 3000"},
		{args: []string{"--addr", ":99999"}, want: "--addr :99999"},
		{args: []string{"--store", "postgres://user:secret@host/db"}, want: "want sqlite:FILE"},
		{args: []string{"--store", "sqlite:"}, want: "want sqlite:FILE"},
		{args: []string{"--store", "mongodb://user:secret@one:27017,two:27017"}, want: "names no database"},
		{args: []string{"--store", "mongodb://user:secret@one:27017,two:27017/seatlock?w=1"}, want: "leave them out"},
		{args: []string{"--store", "mongodb://user:secret@one:port/seatlock"}, want: "malformed"},
		{args: []string{"--store", "mongo://user:secret@one:27017,two:27017/seatlock"}, want: "want sqlite:FILE or mongodb:"},
		{args: []string{"--base-url", "example.org"}, want: "--base-url"},
		{args: []string{"--base-url", "https://example.org/tickets"}, want: "no path"},
		{args: []string{"--lock-ttl", "soon"}, want: "lock-ttl"},
		{args: []string{"--lock-ttl", "0s"}, want: "1s to 24h"},
		{args: []string{"--max-seats", "0"}, want: "1 to 500"},
		{args: []string{"--log-format", "xml"}, want: "text or json"},
		{args: []string{"--log-level", "loud"}, want: "debug, info, warn or error"},
		{args: []string{"--log-level", "INFO+2"}, want: "debug, info, warn or error"},
		{args: []string{"--memory", "256"}, want: "such as 256MiB or 1GiB"},
		{args: []string{"--memory", "0MiB"}, want: "1MiB to 1024GiB"},
		{args: []string{"--memory", "1025GiB"}, want: "1MiB to 1024GiB"},
		{args: []string{"--memory", "-1GiB"}, want: "1MiB to 1024GiB"},
		{args: []string{"--payments", ""}, want: "a comma-separated list of door and demo"},
		{args: []string{"--payments", "card"}, want: "a comma-separated list of door and demo"},
		{args: []string{"--payments", "door,"}, want: "each once"},
		{args: []string{"--payments", "door,demo,door"}, want: "each once"},
		{args: []string{"--payments", "door, demo"}, want: "a comma-separated list"},
		{args: []string{"--payments", "door,demo", "--base-url", "https://tickets.example"}, want: "--payments door,demo: want door alone at https://tickets.example, where anybody could book with play money"},
		{args: []string{"--payments", "demo", "--base-url", "http://192.168.1.9:3000"}, want: "or beside it --demo-payments-on-a-public-address"},
		{args: []string{"--demo-payments-on-a-public-address", "--base-url", "https://tickets.example"}, want: "want beside it --payments with demo, which is else not offered at https://tickets.example"},
		{args: []string{"--demo-payments-on-a-public-address", "--base-url", "https://tickets.example", "--payments", "door"}, want: "want beside it --payments with demo"},
		{args: []string{"--no-such-flag"}, want: "no-such-flag"},
		{args: []string{"serve", "now"}, want: `"now"`},
		{args: []string{"sold"}, want: `"sold"`},
		{env: map[string]string{"SEATLOCK_MAX_SEATS": "ten"}, want: `SEATLOCK_MAX_SEATS="ten": want a number`},
		{env: map[string]string{"SEATLOCK_MEMORY": "much"}, want: `SEATLOCK_MEMORY="much": want a size`},
		{env: map[string]string{"SEATLOCK_PAYMENTS": "cash"}, want: `SEATLOCK_PAYMENTS="cash": want a comma-separated list`},
		{env: map[string]string{"SEATLOCK_PAYMENTS": "demo", "SEATLOCK_BASE_URL": "https://tickets.example"}, want: "want door alone"},
		{env: map[string]string{"SEATLOCK_DEMO_PAYMENTS_ON_A_PUBLIC_ADDRESS": "perhaps"}, want: "true or false"},
		{env: map[string]string{"SEATLOCK_DEMO": "perhaps"}, want: "true or false"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), test.args, environment(test.env), &stdout, &stderr)
		line := stderr.String()
		if code != exitUsage || strings.Count(line, "\n") != 1 || !strings.Contains(line, test.want) || strings.Contains(line, "secret") {
			t.Errorf("%v %v: exit %d, %q; want 2 and one line with %q", test.args, test.env, code, line, test.want)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"help"}, {"serve", "--help"}, {"version"}, {"--version"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, environment(nil), &stdout, &stderr); code != exitOK || stdout.Len() == 0 || stderr.Len() > 0 {
			t.Errorf("%v: exit %d, %d bytes on stdout, stderr %q", args, code, stdout.Len(), stderr.String())
		}
	}
}

// TestStoreThatCannotBeOpened: one line, exit code 1, and the file as it was.
func TestStoreThatCannotBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter.db")
	letter := []byte("Dear box office, this is not a database.\n")
	if err := os.WriteFile(path, letter, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--store", "sqlite:" + path, "--addr", "127.0.0.1:0"}, environment(nil), &stdout, &stderr)
	if code != exitFault || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), path) {
		t.Errorf("exit %d, %q", code, stderr.String())
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, letter) {
		t.Errorf("the file was changed (%v)", err)
	}
}

// TestPlayMoneyStaysAtHome: unasked, visitors are offered the demo only where the
// base URL is the machine's own.
func TestPlayMoneyStaysAtHome(t *testing.T) {
	for base, want := range map[string]string{
		"http://localhost:3000": "door,demo", "https://LOCALHOST": "door,demo", "http://localhost.:80": "door,demo",
		"http://seats.localhost": "door,demo", "http://127.0.0.1:1": "door,demo", "http://127.8.9.1": "door,demo", "http://[::1]:3000": "door,demo",
		"http://127.0.0.1.example.org": "door", "http://localhost.example.org": "door", "http://notlocalhost": "door",
		"https://tickets.example": "door", "http://10.0.0.1": "door", "http://[::2]": "door", "http://0.0.0.0:3000": "door",
	} {
		c, err := configure([]string{"--base-url", base}, environment(nil))
		if err != nil || c.payments.String() != want {
			t.Errorf("%s: %q, %v; want %q", base, c.payments.String(), err, want)
		}
	}
	for _, args := range [][]string{
		{"--payments", "demo,door"},
		{"--payments", "demo,door", "--base-url", "https://tickets.example", "--demo-payments-on-a-public-address"},
	} {
		if c, err := configure(args, environment(nil)); err != nil || c.payments.String() != "demo,door" {
			t.Errorf("%q: %q, %v; want them in the order in which they were named", args, c.payments.String(), err)
		}
	}
}

// TestWarnsOfPlayMoneyThatOthersReach: the demo that nobody has asked for, on an
// address that is not the machine's alone, is one line in the log that says what
// to do.
func TestWarnsOfPlayMoneyThatOthersReach(t *testing.T) {
	for _, test := range []struct {
		args []string
		env  string // of SEATLOCK_PAYMENTS
		want bool
	}{
		{want: true},
		{args: []string{"--addr", "0.0.0.0:80"}, want: true},
		{args: []string{"--addr", "[::]:80"}, want: true},
		{args: []string{"--addr", "192.168.1.9:3000"}, want: true},
		{args: []string{"--addr", "tickets.example:3000"}, want: true},
		{args: []string{"--addr", "127.0.0.1:3000"}},
		{args: []string{"--addr", "[::1]:3000"}},
		{args: []string{"--addr", "localhost:3000"}},
		{args: []string{"--payments", "door,demo"}},
		{env: "demo"},
		{args: []string{"--payments", "door"}},
		{args: []string{"--base-url", "https://tickets.example"}},
	} {
		c, err := configure(test.args, environment(map[string]string{"SEATLOCK_PAYMENTS": test.env}))
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		c.warnOfPlayMoney(newLog(c, &log))
		warned := strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), "can book with play money: set --base-url or --payments")
		if warned != test.want || strings.Count(log.String(), "\n") > 1 || !warned && log.Len() > 0 {
			t.Errorf("%q %s: the log has %q, want a warning: %t", test.args, test.env, log.String(), test.want)
		}
	}
}
