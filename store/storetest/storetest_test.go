package storetest_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store/storetest"
)

// faultEnv tells the test binary which fault to give the toy. A case that fails
// fails its whole process: so the faulty ones get processes of their own.
const faultEnv = "STORETEST_FAULT"

// TestToy runs the suite on the toy: all of it without a fault, since the toy
// keeps the contract.
func TestToy(t *testing.T) { storetest.Run(t, toyHarness(fault(os.Getenv(faultEnv)))) }

// rejected names the cases, as Method/promise, that each fault must fail.
func rejected() map[fault][]string {
	return map[fault][]string{
		checkThenWrite:   {"Race/one of 8 rivals wins", "Race/one of 128 rivals wins", "Linear/single seats"},
		countThenWrite:   {"Race/limit is exact under 64 requests", "Race/limit is exact for groups of 3"},
		noOwnerCheck:     {"Unlock/owner only", "Unlock/all or none", "Model/random requests", "Linear/groups of seats"},
		noExpiry:         {"Lock/deadline honoured to the request", "Lock/a lapsed lock is free for another", "Model/random requests"},
		earlyAnnounce:    {"Changes/a change that came is committed"},
		announceRefused:  {"Lock/a refusal announces nothing", "Race/overlapping groups are whole", "Model/random requests"},
		lateCursor:       {"Changes/snapshot then changes has no gap"},
		resetClock:       {"Clock/further seats join its deadline", "Clock/unlocking everything does not reset it", "Model/random requests"},
		partialGroups:    {"Lock/all or none", "Race/overlapping groups are whole", "Linear/groups of seats"},
		bumpRepeat:       {"Lock/repeat keeps version and deadline", "Cancel/lock with a ctx that ends meanwhile"},
		splitBatches:     {"Changes/one transaction comes in one batch"},
		doubleLapse:      {"ReleaseDue/a lapse is announced once", "ReleaseDue/once under 8 sweepers"},
		forgetsLapsed:    {"ReleaseDue/a lapse is announced once", "Lock/a lapsed lock is free for another"},
		extendsTwice:     {"Extend/repeat is a success without change", "Extend/32 at once are one extension"},
		ignoresEpoch:     {"Changes/another epoch is lost"},
		unlocksForgetful: {"Clock/unlocking everything does not reset it"},
		grantForgotten:   {"Request/a repeat is the seats that were granted", "Request/one block under 32 repeats at once", "Model/random requests"},
		grantForEver:     {"Request/it is over with the clock", "Model/random requests"},
		grantOfAll:       {"Request/each holder and event has its own", "Model/random requests"},
		grantRefused:     {"Request/what was refused is not remembered", "Model/random requests"},
		grantNew:         {"Request/a grant of own seats is remembered", "Model/random requests"},
		grantChecked:     {"Request/one block under 32 repeats at once"},
		grantBlind:       {"Request/seats given back are locked again", "Request/seats that another has now are refused", "Model/random requests"},
		updateInPart:     {"UpdateEvent/what may change is replaced"},
		updateAnything:   {"UpdateEvent/malformed is invalid and changes nothing"},
		updateMoney:      {"UpdateEvent/another currency or plan is invalid"},
		updateMade:       {"UpdateEvent/not found"},
		updateBlind:      {"UpdateEvent/another revision is stale", "UpdateEvent/one of concurrent updates wins"},
		updateChecked:    {"UpdateEvent/one of concurrent updates wins"},
		updateEarly:      {"UpdateEvent/another revision is stale"},
		updateRepeat:     {"UpdateEvent/repeat changes nothing", "UpdateEvent/concurrent repeats all succeed", "Cancel/update with a ctx that ends meanwhile"},
		updateSilent:     {"UpdateEvent/the feed tells of the event", "UpdateEvent/concurrent repeats all succeed"},
		updateFirst:      {"UpdateEvent/the creation may be repeated"},
		updateSales:      {"UpdateEvent/sales times count for the next lock", "UpdateEvent/sales times count for a second instance"},
		updateFrees:      {"UpdateEvent/seats and locks stay"},
		addFrees:         {"AddSeats/seats that are there stay as they are", "AddSeats/500 seats before 2,000"},
		addLast:          {"AddSeats/new seats stand where the plan has them", "AddSeats/seats keep their new rank"},
		addDrops:         {"AddSeats/a plan that lacks a seat is invalid"},
		addWithholds:     {"AddSeats/seats that are there stay as they are"},
		addSilent:        {"AddSeats/the feed tells of the event", "AddSeats/concurrent repeats all succeed"},
		addBlind:         {"AddSeats/another revision is stale", "AddSeats/one of concurrent additions wins"},
		addRepeat:        {"AddSeats/repeat changes nothing", "AddSeats/concurrent repeats all succeed", "Cancel/add with a ctx that ends meanwhile"},
		addForgets:       {"AddSeats/plan and definition are replaced"},
		addTells:         {"AddSeats/the feed tells of the event"},
	}
}

// TestSuiteRejects proves that the suite can fail: each faulty engine is
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

// runFaulty runs the cases on the faulty engine in a process of their own.
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
