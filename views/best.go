package views

import (
	"slices"

	"github.com/seatlock/seatlock/store/plan"
)

// BestView is what the form for the best seats offers.
type BestView struct {
	// Plan is the event's.
	Plan plan.Plan
	// Most is how many seats a visitor may hold at once.
	Most int
	// Request is the id of what the form will ask for: another one each time.
	Request string
}

func (v BestView) has(p plan.Property) bool {
	for _, section := range v.Plan.Sections {
		for _, row := range section.Rows {
			for _, seat := range row.Seats {
				if slices.Contains(seat.Properties, p) {
					return true
				}
			}
		}
	}
	return false
}

// AppendBestRequest appends the id for the form's next request as a fragment.
func AppendBestRequest(dst []byte, id string) []byte {
	return appendComponent(dst, bestRequest(id, true))
}

// BlockName returns how two seats or more side by side, in their row's order,
// are called in a sentence, such as "Row C seats 4 to 7".
func (h *Hall) BlockName(ids []string) string {
	first, last, to := h.seats[ids[0]], h.seats[ids[len(ids)-1]], " to "
	if len(ids) == 2 {
		to = " and "
	}
	return "Row " + h.rowOf(ids[0]) + " seats " + first.number + to + last.number
}

func (h *Hall) rowOf(id string) string {
	for _, s := range h.sections {
		for _, r := range s.rows {
			if slices.Contains(r.seats, id) {
				return r.label
			}
		}
	}
	return ""
}
