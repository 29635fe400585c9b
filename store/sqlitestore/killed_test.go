//go:build unix

package sqlitestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store"
)

// TestKilledResumes kills a server: what it told of its feed is good for the
// next one.
func TestKilledResumes(t *testing.T) {
	if path := os.Getenv(childFile); path != "" {
		s := open(t, path, serving)
		for i := range 5 {
			fmt.Println("at", lockSome(t, s, "anna", i, 1))
		}
		os.Stdout.WriteString("done x\n")
		select {}
	}
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, serving)
	create(t, s, "hall", 9)
	closeStore(t, s)
	cmd := child(t, path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var told []store.Cursor
	for word, text := "", ""; word != "done"; {
		if _, err := fmt.Fscan(out, &word, &text); err != nil {
			t.Fatalf("child: %v", err)
		}
		if c, ok := store.ParseCursor(strings.TrimSpace(text)); ok {
			told = append(told, c)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // an error: it was killed
	s = open(t, path, serving)
	lockSome(t, s, "anna", 5, 1)
	for i, c := range told {
		wantResumed(t, s, c, []string{"s1", "s2", "s3", "s4", "s5"}[i:]...)
	}
	if len(told) != 5 {
		t.Errorf("the child told %v, want five cursors", told)
	}
}
