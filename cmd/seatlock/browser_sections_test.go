package main

import (
	"testing"

	"github.com/seatlock/seatlock/internal/testengine"
)

const free101 = `document.querySelector('#part-block-101 b').textContent`

// A large hall is found by its sections: from the overview, live, to a seat,
// and back.
func TestLargeHall(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t))
	v.open("/events/arena")
	v.untilLive()
	v.mark()
	v.until("all of block 101 is free", free101+` === '288 free'`)
	rival := p.rival()
	rival.postTo("arena", "lock", []string{"block-101-1-1", "block-101-1-2", "block-102-3-3"})
	v.until("the list counts down", free101+` === '286 free'`)
	v.until("and so does the map", `document.querySelector('#shape-block-101 i').textContent === '286'`)
	v.until("and the whole hall", `document.querySelector('#legend .states b').textContent === '19,869'`)
	v.wantSamePage()

	v.click("#shape-block-101 b")
	v.until("the section is there", `location.pathname === '/events/arena/sections/block-101'`)
	v.untilLive()
	v.sees(taken, "block-101-1-1", "block-101-1-2")
	v.clickSeat("block-101-2-3")
	v.sees(mine, "block-101-2-3")
	v.basket("block-101-2-3")
	rival.postTo("arena", "unlock", []string{"block-101-1-2"})
	v.sees(free, "block-101-1-2")

	v.click(".sections a[rel=next]")
	v.until("the next section is there", `location.pathname === '/events/arena/sections/block-102' && document.readyState === 'complete'`)
	v.untilLive()
	v.sees(taken, "block-102-3-3")
	v.basket("block-101-2-3")
	v.click(`.drop[value="block-101-2-3"]`) // a seat that this page does not show
	v.basket()
	v.isTold("Given back.")

	v.click(".sections a:first-child")
	v.until("the overview is back", `location.pathname === '/events/arena' && document.readyState === 'complete'`)
	v.until("what was given back is free", free101+` === '287 free'`)
}

// From the overview, the best seats are locked without looking for them; the
// page says where they are.
func TestBestOfLargeHall(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t))
	v.open("/events/arena")
	v.untilLive()
	v.click("#best .primary")
	v.isTold("2 seats together: Block 102, Row 1 seats 11 and 12.")
	v.basket("block-102-1-11", "block-102-1-12")
	v.until("the count of the section", `document.querySelector('#part-block-102 b').textContent === '286 free'`)
}

func TestLargeHallWithoutJavaScript(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t)).withoutScript()
	v.phone()
	v.open("/events/arena")
	v.wantNoSidewaysScroll("the overview")
	v.click("#part-block-103 a")
	v.until("the section is there", `location.pathname === '/events/arena/sections/block-103'`)
	v.wantNoSidewaysScroll("the section")
	v.clickSeat("block-103-1-1")
	v.until("the answer is the section's page", `location.pathname === '/events/arena/sections/block-103' && location.search !== ''`)
	v.sees(mine, "block-103-1-1")
	v.basket("block-103-1-1")
	v.click("#basket .quiet")
	v.sees(free, "block-103-1-1")
	v.until("giving back leads there, too", `location.pathname === '/events/arena/sections/block-103'`)
}
