package main

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/checkout"
)

// demoPayments is the name of the provider without real money.
const demoPayments = "demo"

// payments are the ways to pay that visitors are offered, in that order.
type payments struct {
	names []string
	given bool // and not by default
}

const wantsPayments = "a comma-separated list of door and demo, each once"

// Set implements flag.Value.
func (p *payments) Set(text string) error {
	names := strings.Split(text, ",")
	for i, name := range names {
		if name != checkout.Door && name != demoPayments || slices.Contains(names[:i], name) {
			return errors.New("want " + wantsPayments)
		}
	}
	p.names, p.given = names, true
	return nil
}

// String implements flag.Value.
func (p *payments) String() string { return strings.Join(p.names, ",") }

// checkPayments refuses the demo provider on a public address. By default it is
// not offered there.
func (c *config) checkPayments() error {
	asked := c.payments.given && slices.Contains(c.payments.names, demoPayments)
	switch {
	case isLoopback(c.base.Hostname()):
	case asked && !c.demoPublic:
		return wrong("payments", &c.payments, "door alone at "+c.base.String()+", where anybody could book with play money; or beside it --demo-payments-on-a-public-address, if that is meant")
	case c.demoPublic && !asked:
		return wrong("demo-payments-on-a-public-address", c.demoPublic, "beside it --payments with demo, which is else not offered at "+c.base.String())
	case !c.payments.given:
		c.payments.names = []string{checkout.Door}
	}
	return nil
}

// warnOfPlayMoney warns if others can reach the demo provider: the base URL is
// the machine's own, but the server listens to others, too.
func (c *config) warnOfPlayMoney(log *slog.Logger) {
	host, _, _ := net.SplitHostPort(c.addr) // it was checked
	if !c.payments.given && slices.Contains(c.payments.names, demoPayments) && !isLoopback(host) {
		log.Warn("anybody who reaches this address can book with play money: set --base-url or --payments", "addr", c.addr)
	}
}

// isLoopback reports whether a host is the machine itself.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
