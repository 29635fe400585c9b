package views

// BestView has what the form for the best seats offers.
type BestView struct {
	// Most is how many seats a visitor may hold at once.
	Most int
	// Request is the id of the form's next request: a new one each time.
	Request string
}

// AppendBestRequest appends the id for the form's next request as a fragment.
func AppendBestRequest(dst []byte, id string) []byte {
	return appendComponent(dst, bestRequest(id, true))
}

// BlockName returns how two seats or more side by side, in their row's order,
// are called in a sentence, such as "Row C seats 4 to 7".
func (h *Hall) BlockName(ids []string) string {
	first, last := h.seats[ids[0]], h.seats[ids[len(ids)-1]]
	if first == nil || last == nil {
		return "" // a seat that was added just now
	}
	block := h.Say("Row %s seats %s to %s", first.row, first.number, last.number)
	if len(ids) == 2 {
		block = h.Say("Row %s seats %s and %s", first.row, first.number, last.number)
	}
	if len(h.sections) > 1 {
		return h.sections[first.section].name + ", " + block
	}
	return block
}
