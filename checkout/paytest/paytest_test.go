package paytest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/paytest"
)

func TestLedger(t *testing.T) {
	paytest.Run(t, func(*testing.T) paytest.World {
		ledger := paytest.NewLedger()
		return worldOf(ledger, ledger, ledger)
	})
}

// TestLedgerBehindANetwork: what makes calls twice and late is no excuse.
func TestLedgerBehindANetwork(t *testing.T) {
	paytest.Run(t, func(*testing.T) paytest.World {
		ledger := paytest.NewLedger()
		return worldOf(ledger, paytest.NewFaulty(ledger, 1, paytest.Faults{Duplicate: 0.7}), ledger)
	})
}

func TestLedgerInAFile(t *testing.T) {
	paytest.Run(t, func(t *testing.T) paytest.World {
		ledger, err := paytest.OpenLedger(filepath.Join(t.TempDir(), "ledger.json"))
		if err != nil {
			t.Fatal(err)
		}
		return worldOf(ledger, ledger, ledger)
	})
}

// worldOf has two providers before a ledger, at which the visitor pays.
func worldOf(ledger *paytest.Ledger, first, second checkout.Provider) paytest.World {
	visitor := func(do func(id string) error) func(context.Context, checkout.Status) error {
		return func(_ context.Context, s checkout.Status) error { return do(strings.TrimPrefix(s.URL, "/ledger/")) }
	}
	return paytest.World{
		Providers: [2]checkout.Provider{first, second},
		Pay:       visitor(ledger.Pay), Decline: visitor(ledger.Decline),
	}
}

// faultEnv tells the test binary which fault to give the toy. A case that fails
// fails its whole process: so the faulty ones get processes of their own.
const faultEnv = "PAYTEST_FAULT"

// TestToy runs the suite on the toy: all of it without a fault.
func TestToy(t *testing.T) {
	paytest.Run(t, func(*testing.T) paytest.World { return toyWorld(fault(os.Getenv(faultEnv))) })
}

// TestSuiteRejects proves that the suite can fail: each faulty provider is
// rejected, by the cases that are there for it.
func TestSuiteRejects(t *testing.T) {
	for f, cases := range rejected() {
		t.Run(string(f), func(t *testing.T) {
			output := runFaulty(t, f, cases)
			for _, name := range cases {
				if !strings.Contains(output, "--- FAIL: TestToy/"+inOutput(name)+" ") {
					t.Errorf("%s passed", name)
				}
			}
			if t.Failed() {
				t.Log(output)
			}
		})
	}
}

// runFaulty runs the cases on the faulty provider in a process of their own.
func runFaulty(t *testing.T, f fault, cases []string) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for _, name := range cases {
		method, promise, _ := strings.Cut(inOutput(name), "/")
		patterns = append(patterns, "^TestToy$/^"+method+"$/^"+regexp.QuoteMeta(promise)+"$")
	}
	cmd := exec.CommandContext(t.Context(), binary, "-test.v", "-test.run="+strings.Join(patterns, "|"))
	cmd.Env = append(slices.Clone(os.Environ()), faultEnv+"="+string(f))
	output, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("all cases passed")
	}
	return string(output)
}

// inOutput returns a case's name as the test command writes it.
func inOutput(name string) string { return strings.ReplaceAll(name, " ", "_") }
