package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/handlers"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
)

// config has all settings of a server, from flags and environment.
type config struct {
	addr      string
	store     string
	baseURL   string
	lockTTL   time.Duration
	maxSeats  int
	logFormat string
	logLevel  string
	memory    size
	demo      bool
	payments  payments
	// keepPeople is how long after an event the personal data of its bookings are
	// kept, and keepHistory how long the history goes back.
	keepPeople, keepHistory keeping
	// demoPublic allows play money where the base URL is not this machine's.
	demoPublic bool

	base *url.URL // baseURL, once it was checked
}

func defaults() config {
	rules := store.DefaultRules()
	return config{
		addr: ":3000", baseURL: "http://localhost:3000",
		lockTTL: rules.TTL, maxSeats: rules.MaxSeats, logFormat: "text", logLevel: "info", memory: handlers.DefaultMemory, demo: true,
		payments:   payments{names: []string{checkout.Door, demoPayments}},
		keepPeople: keeping(90 * day), keepHistory: keeping(365 * day),
	}
}

// flags binds the configuration to a flag set. Its texts are the manual.
func (c *config) flags() *flag.FlagSet {
	f := newFlags()
	f.StringVar(&c.addr, "addr", c.addr, "`ADDRESS` to listen on, host:port")
	storeFlag(f, &c.store)
	f.StringVar(&c.baseURL, "base-url", c.baseURL, "`URL` that browsers use, scheme and host; with https cookies are Secure")
	f.DurationVar(&c.lockTTL, "lock-ttl", c.lockTTL, "`DURATION` of a lock; it can be extended once by as much, to 30m in all")
	f.IntVar(&c.maxSeats, "max-seats", c.maxSeats, "seats of one event that one visitor may hold, `N` from 1 to 500")
	f.StringVar(&c.logFormat, "log-format", c.logFormat, "`FORMAT` of the log: text or json")
	f.StringVar(&c.logLevel, "log-level", c.logLevel, "lowest `LEVEL` that is logged: debug, info, warn or error")
	f.Var(&c.memory, "memory", "memory that halls may take while nobody looks at them, a `SIZE` such as 256MiB or 1GiB")
	f.BoolVar(&c.demo, "demo", c.demo, "add the demo events to a store that has no other events")
	f.Var(&c.payments, "payments", "ways to pay that visitors are offered, a `LIST` of door and demo; the default is door alone if the base URL is not this machine's")
	f.Var(&c.keepPeople, "keep-people", "`DURATION` for which personal data of bookings are kept after the event: 90d, 36h, or never to erase none by itself")
	f.Var(&c.keepHistory, "keep-history", "`DURATION` for which the history of seats and bookings is kept: 365d, 36h, or never to delete none")
	f.BoolVar(&c.demoPublic, "demo-payments-on-a-public-address", c.demoPublic, "allow demo in --payments, whose money is not real, where the base URL is not this machine's")
	return f
}

func newFlags() *flag.FlagSet {
	f := flag.NewFlagSet("seatlock", flag.ContinueOnError)
	f.SetOutput(io.Discard) // run reports mistakes, in one line
	return f
}

// storeFlag adds --store, which all commands on events have.
func storeFlag(f *flag.FlagSet, address *string) {
	f.StringVar(address, "store", cmp.Or(*address, "sqlite:data/seatlock.db"), "`URL` of the store: sqlite:FILE, or mongodb://HOST/DATABASE?replicaSet=NAME")
}

// configure returns the settings of a server. Every mistake is a usageError.
func configure(args []string, getenv func(string) string) (config, error) {
	c := defaults()
	rest, err := parse(c.flags(), args, getenv)
	if err != nil {
		return c, err
	}
	if len(rest) > 0 {
		return c, usageError{fmt.Errorf("unexpected argument %q (seatlock --help lists all flags)", rest[0])}
	}
	return c, c.check()
}

// parse reads the environment and then the flags, which win and may stand
// before and after the other arguments, which it returns. Every mistake is a
// usageError that names its source.
func parse(f *flag.FlagSet, args []string, getenv func(string) string) (rest []string, err error) {
	f.VisitAll(func(known *flag.Flag) {
		value := getenv(envName(known.Name))
		if value == "" || err != nil {
			return
		}
		if wrong := f.Set(known.Name, value); wrong != nil {
			err = usageError{fmt.Errorf("%s=%q: want %s", envName(known.Name), value, wants(known))}
		}
	})
	for err == nil {
		if err = f.Parse(args); err != nil && !errors.Is(err, flag.ErrHelp) {
			err = usageError{fmt.Errorf("%w (--help lists all flags)", err)}
		}
		if f.NArg() == 0 {
			break
		}
		rest, args = append(rest, f.Arg(0)), f.Args()[1:]
	}
	return rest, err
}

func envName(name string) string {
	return "SEATLOCK_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func wants(f *flag.Flag) string {
	if t, is := f.Value.(*term); is {
		return t.wants()
	}
	switch f.Name {
	case "lock-ttl":
		return "a duration such as 10m or 90s"
	case "max-seats":
		return "a number from 1 to 500"
	case "memory":
		return wantsSize
	case "payments":
		return wantsPayments
	case "keep-people", "keep-history":
		return wantsKeeping
	case "demo", "demo-payments-on-a-public-address":
		return "true or false"
	}
	return f.Usage
}

func (c *config) check() error {
	if _, port, err := net.SplitHostPort(c.addr); err != nil || !validPort(port) {
		return wrong("addr", c.addr, "host:port or :port, with a port from 0 to 65535")
	}
	if err := checkStore(c.store); err != nil {
		return err
	}
	base, err := baseOf(c.baseURL)
	if err != nil {
		return err
	}
	c.base = base
	if c.lockTTL < time.Second || c.lockTTL > 24*time.Hour {
		return wrong("lock-ttl", c.lockTTL, "1s to 24h")
	}
	if c.maxSeats < 1 || c.maxSeats > store.MaxSeatsPerRequest {
		return wrong("max-seats", c.maxSeats, "1 to 500")
	}
	if c.logFormat != "text" && c.logFormat != "json" {
		return wrong("log-format", c.logFormat, "text or json")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.logLevel) {
		return wrong("log-level", c.logLevel, "debug, info, warn or error")
	}
	return c.checkPayments()
}

// baseOf reads a base URL.
func baseOf(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" ||
		base.Path != "" && base.Path != "/" || base.RawQuery != "" || base.Fragment != "" || base.User != nil {
		return nil, wrong("base-url", text, "http://host or https://host, with a port if needed, and no path")
	}
	return base, nil
}

func wrong(name string, value any, want string) error {
	return usageError{fmt.Errorf("--%s %v: want %s", name, value, want)}
}

func checkStore(address string) error {
	switch path, embedded := strings.CutPrefix(address, "sqlite:"); {
	case embedded && path != "":
		return nil
	case strings.HasPrefix(address, "mongodb://"), strings.HasPrefix(address, "mongodb+srv://"):
		if err := mongostore.CheckURI(address); err != nil {
			return usageError{fmt.Errorf("--store: %w", err)}
		}
		return nil
	}
	return wrong("store", hidePassword(address), "sqlite:FILE or mongodb://HOST/DATABASE?replicaSet=NAME")
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535
}

// hidePassword keeps what a store address may carry out of error lines. It
// need not be a well-formed URL.
func hidePassword(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if at := strings.LastIndex(rest, "@"); found && at >= 0 {
		return scheme + "://…" + rest[at:]
	}
	return address
}

func (c *config) rules() store.Rules {
	rules := store.DefaultRules()
	rules.TTL, rules.MaxSeats = c.lockTTL, c.maxSeats
	rules.Total = max(rules.Total, c.lockTTL)
	return rules
}
