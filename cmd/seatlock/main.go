// Command seatlock serves seat maps on which visitors lock seats, live.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel() // drain
		<-signals
		fmt.Fprintln(os.Stderr, "seatlock: ended at once, by a second signal")
		os.Exit(exitFault)
	}()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// The exit codes of the program.
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
)

// run is main with its surroundings as arguments. Serving is the default
// command. Every failure is one line on stderr.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	command := "serve"
	if len(args) > 0 && strings.TrimLeft(args[0], "-") == "version" {
		args[0] = "version" // as every program knows it
	}
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, args = args[0], args[1:]
	}
	c, err := commandOf(command)
	if err == nil {
		err = c.run(ctx, args, getenv, stdout, stderr)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, c.manual())
		return exitOK
	}
	fmt.Fprintf(stderr, "seatlock: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	if _, wrong := errors.AsType[usageError](err); wrong {
		return exitUsage
	}
	return exitFault
}

// usageError is a mistake in flags, environment or command.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func version() string {
	return "seatlock " + cmp.Or(programVersion(), "(devel)") + " " + runtime.Version() + "\n"
}

// programVersion returns the version of the build, which a database records; ""
// if it has none.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return ""
	}
	return info.Main.Version
}
