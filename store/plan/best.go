package plan

import (
	"cmp"
	"math"
	"slices"
)

// Wish describes the block of seats that a visitor looks for.
type Wish struct {
	// Count seats side by side in one row.
	Count int
	// Category and Section are ids; "" is any.
	Category, Section string
	// Accessible asks for a wheelchair place in the block. Without it, neither
	// wheelchair places nor those beside them are offered.
	Accessible bool
}

// adjacent is the largest distance between neighbours, in seats: an aisle is
// wider.
const adjacent = 1.5

// Best returns the ids of the best block of free seats that fulfils the wish,
// in the row's order; ok is false if there is none. It prefers blocks that
// strand no seat, then those with few seats of restricted view, then, if the
// wish is accessible, companion seats to further wheelchair places, and then
// those near the middle of the front. The same free seats give the same block.
// Best may call free several times for a seat.
func (p Plan) Best(w Wish, free func(id string) bool) (ids []string, ok bool) {
	if w.Count < 1 {
		return nil, false
	}
	x, y := p.focus()
	var best []Seat
	var rank blockRank
	for _, section := range p.Sections {
		if w.Section != "" && w.Section != section.ID {
			continue
		}
		for _, row := range section.Rows {
			for i := 0; i+w.Count <= len(row.Seats); i++ {
				block := row.Seats[i : i+w.Count]
				if !w.fits(block, free) {
					continue
				}
				r := w.rank(block)
				r.distance = distance(block, x, y)
				for _, beside := range []int{i - 1, i + w.Count} {
					if becomesStranded(row.Seats, beside, func(k int) bool { return k >= i && k < i+w.Count }, free) {
						r.stranded++
					}
				}
				if best == nil || r.before(rank) {
					best, rank = block, r
				}
			}
		}
	}
	return idsOf(best), best != nil
}

// blockRank orders blocks, the best first.
type blockRank struct {
	stranded, restricted, waste int
	distance                    float64
}

// rank rates the seats of a block themselves. An accessible block is best filled
// with companion seats, which leaves other wheelchair places free.
func (w Wish) rank(block []Seat) (r blockRank) {
	for _, s := range block {
		if slices.Contains(s.Properties, Restricted) {
			r.restricted++
		}
		if w.Accessible && !slices.Contains(s.Properties, Companion) {
			r.waste++
		}
	}
	return r
}

func (r blockRank) before(other blockRank) bool {
	return cmp.Or(cmp.Compare(r.stranded, other.stranded), cmp.Compare(r.restricted, other.restricted),
		cmp.Compare(r.waste, other.waste), cmp.Compare(r.distance, other.distance)) < 0
}

func (w Wish) fits(block []Seat, free func(string) bool) bool {
	wheelchair := false
	for i, s := range block {
		switch {
		case !free(s.ID), w.Category != "" && w.Category != s.Category, i > 0 && !beside(block[i-1], s),
			!w.Accessible && reserved(s):
			return false
		}
		wheelchair = wheelchair || slices.Contains(s.Properties, Accessible)
	}
	return wheelchair || !w.Accessible
}

// Stranded returns the ids of free seats that would lose their last free
// neighbour if the seats with ids were taken. Wheelchair places and companion
// seats are not among them.
func (p Plan) Stranded(ids []string, free func(id string) bool) (single []string) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	for _, section := range p.Sections {
		for _, row := range section.Rows {
			for i, s := range row.Seats {
				if becomesStranded(row.Seats, i, func(k int) bool { return wanted[row.Seats[k].ID] }, free) {
					single = append(single, s.ID)
				}
			}
		}
	}
	return single
}

// becomesStranded reports whether a free seat of the row would lose its last free
// neighbour to the seats that are taken.
func becomesStranded(row []Seat, i int, taken func(int) bool, free func(string) bool) bool {
	if i < 0 || i >= len(row) || reserved(row[i]) || taken(i) || !free(row[i].ID) {
		return false
	}
	loses := false
	for _, k := range []int{i - 1, i + 1} {
		switch {
		case k < 0 || k >= len(row) || !beside(row[i], row[k]):
		case taken(k):
			loses = true
		case free(row[k].ID):
			return false
		}
	}
	return loses
}

func beside(a, b Seat) bool { return math.Hypot(a.X-b.X, a.Y-b.Y) <= adjacent }

func reserved(s Seat) bool {
	return slices.Contains(s.Properties, Accessible) || slices.Contains(s.Properties, Companion)
}

// focus is the middle of the front: of the stage's edge, or of the foremost
// seats where there is no stage.
func (p Plan) focus() (x, y float64) {
	if s := p.Stage; s != nil {
		return s.X + s.Width/2, s.Y + s.Height
	}
	left, top, right, _ := p.Bounds()
	return (left + right) / 2, top
}

// distance is that of the block's middle from x and y, in thousandths of a seat.
// Rounding makes blocks on both sides of the middle equally near: the first wins.
func distance(block []Seat, x, y float64) float64 {
	first, last := block[0], block[len(block)-1]
	return math.Round(1000 * math.Hypot((first.X+last.X)/2-x, (first.Y+last.Y)/2-y))
}

func idsOf(seats []Seat) []string {
	ids := make([]string, len(seats))
	for i, s := range seats {
		ids[i] = s.ID
	}
	return ids
}
