package main

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/checkout"
)

// demoPayments is the name of the provider that only plays with money.
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

// checkPayments refuses play money where strangers could come by. Unasked,
// there is none.
func (c *config) checkPayments() error {
	switch {
	case isLoopback(c.base):
	case !c.payments.given:
		c.payments.names = []string{checkout.Door}
	case slices.Contains(c.payments.names, demoPayments) && !c.demoPublic:
		return wrong("payments", &c.payments, "no demo at "+c.base.String()+": anybody could book there without money (--demo-payments-on-a-public-address allows it)")
	}
	return nil
}

// isLoopback reports whether an address is one of the machine itself.
func isLoopback(base *url.URL) bool {
	host := strings.ToLower(strings.TrimSuffix(base.Hostname(), "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
