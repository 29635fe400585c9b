package storetest_test

import (
	"maps"
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
// keeps the contract. It has no rules of its own: a wrong rule of package store
// fails here, too.
func TestToy(t *testing.T) { storetest.Run(t, toyHarness(fault(os.Getenv(faultEnv)))) }

// rejected names the cases, as Method/promise, that each fault must fail.
func rejected() map[fault][]string {
	all := map[fault][]string{}
	for _, some := range []map[fault][]string{rejectedDecisions(), rejectedRules(), rejectedDefinitions(), rejectedRecords(), rejectedBookings(), rejectedTickets()} {
		maps.Copy(all, some)
	}
	return all
}

func rejectedDecisions() map[fault][]string {
	return map[fault][]string{
		checkThenWrite: {"Storm/random requests about bookings, all at once",
			"Race/one of 8 rivals wins", "Race/one of 128 rivals wins", "Linear/single seats",
			"Decide/no change of a seat is lost", "Decide/a refusal after a first try writes nothing"},
		countThenWrite: {"Storm/random requests about bookings, all at once",
			"Race/limit is exact under 64 requests", "Race/limit is exact for groups of 3", "Decide/decisions of one holder see each other"},
		earlyAnnounce:   {"Changes/a change that came is committed"},
		announceRefused: {"Lock/a refusal announces nothing", "Race/overlapping groups are whole", "Model/random requests"},
		lateCursor:      {"Changes/snapshot then changes has no gap"},
		partialGroups:   {"Lock/all or none", "Race/overlapping groups are whole", "Linear/groups of seats"},
		splitBatches:    {"Changes/one transaction comes in one batch", "Decide/one transaction of the feed"},
		doubleLapse:     {"ReleaseDue/a lapse is announced once", "ReleaseDue/once under 8 sweepers"},
		forgetsLapsed:   {"ReleaseDue/a lapse is announced once", "Lock/a lapsed lock is free for another"},
		ignoresEpoch:    {"Changes/another epoch is lost"},
		reasonDropped:   {"Reason/each operation tells its own", "Unlock/it is announced as given back", "Model/random requests"},
		reasonGuessed:   {"Reason/who takes over a lapsed lock tells of the loss", "Reason/seats of one request may have lapsed or not", "Model/random requests"},
		grantChecked:    {"Request/one block under 32 repeats at once"},
		grantOfAll:      {"Request/each holder and event has its own", "Model/random requests"},
		grantRefused:    {"Request/what was refused is not remembered", "Model/random requests"},
		tornDecision: {"Confirm/its seats are booked, and the money counts",
			"Decide/all is written together", "Decide/all or nothing when two race", "Cancel/decide with a ctx that ends meanwhile"},
		recordsFirst:  {"Storm/random requests about bookings, all at once", "Decide/all or nothing when two race"},
		refusalWrites: {"Decide/a refusal writes nothing"},
		firstCounts:   {"Decide/the rule's last call counts"},
		mixedInstants: {"Decide/the view is of one instant", "Decide/named seats are of that instant"},
		namedLater:    {"Decide/what is moved while seats are named is not seen apart"},
		reliedIgnored: {"Decide/seats relied on stay", "Withhold/what is told is true at its cursor",
			"Unlock/what is told is true at its cursor", "Release/what is told is true at its cursor"},
		unwrittenIgnored: {"Decide/records that are named stay"},
		touchedIgnored:   {"Decide/who is touched has a newer clock", "Decide/decisions of who is touched see it"},
		nameIgnored:      {"Decide/seats are named by a record", "Request/a repeat is the seats that were granted"},
		nameOnce:         {"Decide/seats are named anew when the record changes"},
		staleDefinition:  {"Decide/the definition is of that instant"},
		heldLive:         {"Decide/held is what stands as locked or paying, by id", "Reason/a seat that was given back after its end was given back"},
		heldUnpaid:       {"Decide/held is what stands as locked or paying, by id", "Paying/paying counts towards the limit, booked does not"},
		bookingLost:      {"Decide/a seat comes back whole", "Paying/paying, declined, booked and cancelled are announced"},
		refusalEarly:     {"Decide/the cursor covers it", "Lock/a refusal is filled in"},
		endedWritten:     {"Decide/with a ctx that ends while the rule decides"},
		endedTorn:        {"Decide/with a ctx that ends while the rule decides"},
		futureKept:       {"Future/a lock of the future starts with the sweep", "Future/it starts with the sweep of a second instance"},
		futureFreed:      {"Future/it is somebody's meanwhile"},
		extendedLost:     {"Extend/each seat tells of it as long as the lock lasts", "Model/random requests"},
		extendedUntold:   {"Extend/each seat tells of it as long as the lock lasts"},
		extendedStays:    {"Extend/each seat tells of it as long as the lock lasts", "Model/random requests"},
		payingSwept:      {"Paying/paying is not swept when the clock is over", "Model/random requests"},
		clockLost:        {"Paying/the clock of a payment stays"},
	}
}

func rejectedRules() map[fault][]string {
	return map[fault][]string{
		noOwnerCheck:     {"Unlock/owner only", "Unlock/all or none", "Model/random requests", "Linear/groups of seats"},
		noExpiry:         {"Lock/deadline honoured to the request", "Lock/a lapsed lock is free for another", "Model/random requests"},
		resetClock:       {"Clock/further seats join its deadline", "Clock/unlocking everything does not reset it", "Model/random requests"},
		bumpRepeat:       {"Lock/repeat keeps version and deadline", "Cancel/lock with a ctx that ends meanwhile"},
		extendsTwice:     {"Extend/repeat is a success without change", "Extend/32 at once are one extension"},
		unlocksForgetful: {"Clock/unlocking everything does not reset it"},
		grantForgotten:   {"Request/a repeat is the seats that were granted", "Request/one block under 32 repeats at once", "Model/random requests"},
		grantForEver:     {"Request/it is over with the clock", "Model/random requests"},
		grantNew:         {"Request/a grant of own seats is remembered", "Model/random requests"},
		grantBlind:       {"Request/seats given back are locked again", "Request/seats that another has now are refused", "Model/random requests"},
		limitByRequest:   {"Lock/limit", "Model/random requests"},
		closedSold:       {"Lock/closed before and after sales"},
		withheldSold:     {"Lock/withheld is refused", "Model/random requests"},
		freesPaid:        {"Release/what is more than locked is refused, all or none"},
		freesOnlyLive:    {"Release/a lapsed lock is told as lapsed"},
		withholdTakes:    {"Withhold/taken is refused, all or none", "Model/random requests"},
		takeoverQuiet:    {"Reason/who takes over a lapsed lock tells of the loss", "Model/random requests"},
		payingExtended:   {"Paying/paying is not extended", "Paying/paying alone is nothing to extend", "Model/random requests"},
		payingGivenBack:  {"Paying/paying is not given back", "Model/random requests"},
		payingUncounted:  {"Paying/paying counts towards the limit, booked does not", "Model/random requests"},
		payingOver:       {"Paying/the clock of a payment stays", "Model/random requests"},
		payingTaken:      {"Paying/paying is taken for others", "Model/random requests"},
		bookedSold:       {"Paying/booked is refused to everybody", "Model/random requests"},
		clockAtCheckout:  {"Paying/a new clock starts beside a payment", "Model/random requests"},
	}
}

func rejectedDefinitions() map[fault][]string {
	return map[fault][]string{
		updateInPart: {"UpdateEvent/what may change is replaced"},
		updateMoney:  {"UpdateEvent/another currency or plan is invalid"},
		updateMade:   {"UpdateEvent/not found"},
		updateBlind:  {"UpdateEvent/another revision is stale", "UpdateEvent/one of concurrent updates wins"},
		updateChecked: {"UpdateEvent/one of concurrent updates wins", "Define/no redefinition is lost",
			"Define/a definition that was overtaken is redefined anew"},
		updateEarly:    {"UpdateEvent/another revision is stale"},
		updateRepeat:   {"UpdateEvent/repeat changes nothing", "UpdateEvent/concurrent repeats all succeed", "Cancel/update with a ctx that ends meanwhile"},
		updateSilent:   {"UpdateEvent/the feed tells of the event", "UpdateEvent/concurrent repeats all succeed"},
		updateFirst:    {"UpdateEvent/the creation may be repeated"},
		updateSales:    {"UpdateEvent/sales times count for the next lock", "UpdateEvent/sales times count for a second instance"},
		updateFrees:    {"UpdateEvent/seats and locks stay"},
		addFrees:       {"AddSeats/seats that are there stay as they are", "AddSeats/500 seats before 2,000"},
		addLast:        {"AddSeats/new seats stand where the plan has them", "AddSeats/seats keep their new rank"},
		addDrops:       {"AddSeats/a plan that lacks a seat is invalid"},
		addWithholds:   {"AddSeats/seats that are there stay as they are", "Define/what the rule returns is written"},
		addSilent:      {"AddSeats/the feed tells of the event", "AddSeats/concurrent repeats all succeed"},
		addBlind:       {"AddSeats/another revision is stale", "AddSeats/one of concurrent additions wins"},
		addRepeat:      {"AddSeats/repeat changes nothing", "AddSeats/concurrent repeats all succeed", "Cancel/add with a ctx that ends meanwhile"},
		addForgets:     {"AddSeats/plan and definition are replaced"},
		addTells:       {"AddSeats/the feed tells of the event"},
		claimsNothing:  {"AddSeats/a seat in use keeps its label", "RemoveEvent/in use is refused, by the first seat"},
		hiddenLost:     {"CreateEvent/the definition survives", "UpdateEvent/what may change is replaced"},
		claimsWithheld: {"RemoveEvent/in use is refused, by the first seat", "Define/claimed seats are told if asked for"},
		definesBlind: {"RemoveEvent/a lock at the same time, or the removal", "Define/seats relied on stay",
			"AddSeats/a lock at the same time comes after a new label, or before"},
		removeKeeps:  {"RemoveEvent/it is gone, with its seats and clocks", "RemoveEvent/not found, and a repeat is that"},
		removeSilent: {"RemoveEvent/the feed tells of the event, and of no seat"},
		defineAnyway: {"Define/an error of the rule writes nothing", "UpdateEvent/another revision is stale"},
	}
}

func rejectedRecords() map[fault][]string {
	return map[fault][]string{
		recordBlind: {"Work/one of 16 gets the lease", "Record/each change sees what those before it wrote",
			"Record/a change over an older version is made anew",
			"Record/one of 32 creates and the others see it"},
		duplicateFails:   {"Record/one of 32 creates and the others see it", "Decide/a collision does no harm to others"},
		collisionSpreads: {"Record/a collision does no harm to others", "Decide/a collision does no harm to others"},
		expiredFound:     {"Record/a record past its expiry is not found", "Record/an expired record is made anew by one"},
		expiredListed:    {"Record/expired records are passed over"},
		expiredShortens:  {"Record/expired records are passed over"},
		scanCase:         {"Record/by bytes"},
		scanTies:         {"Record/by an index, equal values by id", "Record/in pages"},
		scanSkips:        {"Record/in pages"},
		scanInclusive:    {"Record/between bounds"},
		scanLosesLast:    {"Record/in pages", "Record/by id"},
		scanStale:        {"Record/only records with a value", "Door/what is due is told, the first first", "Work/what is due is told, the first first"},
		recordsTold:      {"Record/the feed does not tell of it"},
		bodyRewritten:    {"Record/the body is kept byte for byte"},
		versionJumps:     {"Record/the version grows by one"},
		versionReused:    {"Record/a record made anew is another"},
		anyKind:          {"Record/unknown kinds and indexes are invalid", "Decide/unknown kinds are invalid"},
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
