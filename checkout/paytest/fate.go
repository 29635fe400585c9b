package paytest

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// fate is what becomes of a call.
type fate struct {
	delay time.Duration
	times int  // that it is made, if it is
	made  bool // it is made now
	late  bool // or later
	hangs bool
	// answered tells that its caller gets the answer.
	answered bool
	// calm is closed by the next Calm.
	calm chan struct{}
}

// draw decides a call's fate.
func (f *Faulty) draw(kind, id string) fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.of(id)
	t.calls[kind]++
	good := fate{times: 1, made: true, answered: true, calm: f.calm}
	if now := time.Now(); !now.Before(f.from) && now.Before(f.to) {
		good.made, good.answered = false, false
		return good
	}
	if len(f.faults.Only) > 0 && !slices.Contains(f.faults.Only, kind) {
		return good
	}
	return f.faults.befall(good, source(f.seed, t.number, kind, t.calls[kind]))
}

// source is the random one of a call.
func source(seed, payment uint64, kind string, nth uint64) *rand.Rand {
	sum := fnv.New64a()
	sum.Write([]byte(kind))
	return rand.New(rand.NewPCG(seed, sum.Sum64()^payment<<32^nth))
}

// befall gives a call its faults. It draws the same numbers whatever they are.
func (f Faults) befall(c fate, random *rand.Rand) fate {
	delayed, length, twice, which, even := random.Float64(), random.Float64(), random.Float64(), random.Float64(), random.Uint64()%2 == 0
	if delayed < f.Delay {
		c.delay = time.Duration(length * float64(f.MaxDelay))
	}
	if twice < f.Duplicate {
		c.times = 2
	}
	switch {
	case which < f.Reorder:
		c.late = true
	case which < f.Reorder+f.Drop:
		c.made, c.answered = false, false
	case which < f.Reorder+f.Drop+f.Fail:
		c.answered = false
	case which < f.Reorder+f.Drop+f.Fail+f.Hang:
		c.made, c.answered, c.hangs = even, false, true
	}
	return c
}

// wait is the delay of a call. It reports whether ctx has outlived it.
func (c fate) wait(ctx context.Context) bool {
	if c.delay == 0 {
		return true
	}
	timer := time.NewTimer(c.delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-c.calm:
	case <-timer.C:
	}
	return true
}
