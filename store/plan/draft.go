package plan

import "slices"

// Draft is a file that was read. As File it is the plan of a new event; [Draft.Onto]
// makes of it the plan of one that exists.
type Draft struct {
	File
	raw   File              // with what stands for ids that the file does not have
	seats map[string]string // the ids that a new event has instead
}

func newDraft(raw File) Draft {
	ids := newIDs(raw.Plan, Plan{}, nil)
	d := Draft{File: ids.of(raw), raw: raw, seats: ids.seats}
	d.Odd = slices.Concat(raw.Odd, d.Plan.shared()) // raw has none of them: an event may share places from before
	return d
}

// shared tells of all seats that have the place of another. Sections that share
// a name are two: the file parts them.
func (p Plan) shared() []OddText {
	type spot struct {
		section int
		place   Place
	}
	var odd []OddText
	at := map[spot]string{}
	for i, section := range p.Sections {
		for _, row := range section.Rows {
			for _, s := range row.Seats {
				place := Place{section.Name, row.Label, s.Label}
				here := spot{i, place.same()}
				if other, shared := at[here]; shared {
					odd = append(odd, OddText{s.Label, sharedError(other, s.ID, place)})
					continue
				}
				at[here] = s.ID
			}
		}
	}
	return odd
}

// madeIDs are the ids that were made, by what stands for them.
type madeIDs struct{ categories, sections, seats map[string]string }

// newIDs makes the ids of a plan that has some still to be made. None of them is
// one of the present plan, or of those that the file has. bare tells which of
// its sections the ids of seats leave out; nil is a new event, where that is a
// section which is the only one.
func newIDs(p, present Plan, bare func(section int) bool) madeIDs {
	categories, sections, seats := newNamer(), newNamer(), newNamer()
	for _, c := range slices.Concat(present.Categories, p.Categories) {
		categories.add(c.ID, func() name { return wordName(c.ID, c.Name) })
	}
	for _, s := range present.Sections {
		sections.taken[s.ID] = true
	}
	for s := range present.seats() {
		seats.taken[s.ID] = true
	}
	for i, section := range p.Sections {
		sections.add(section.ID, func() name { return wordName(section.ID, section.Name) })
		isBare := len(p.Sections) == 1
		if bare != nil {
			isBare = bare(i)
		}
		for _, row := range section.Rows {
			for _, s := range row.Seats {
				seats.add(s.ID, func() name { return seatName(s.ID, isBare) })
			}
		}
	}
	return madeIDs{categories.ids(), sections.ids(), seats.ids()}
}

// add names what stands for an id that is to be made; any other is taken.
func (n namer) add(id string, name func() name) {
	if isMade(id) {
		n.names[id] = name()
	} else {
		n.taken[id] = true
	}
}

// of returns a copy of the file with the ids.
func (ids madeIDs) of(raw File) File {
	file := File{Plan: raw.Plan, Prices: map[string]int64{}, Odd: raw.Odd}
	file.Plan.Categories = slices.Clone(raw.Plan.Categories)
	for i := range file.Plan.Categories {
		c := &file.Plan.Categories[i]
		c.ID = renamed(ids.categories, c.ID)
	}
	file.Plan.Sections = slices.Clone(raw.Plan.Sections)
	for i := range file.Plan.Sections {
		section := &file.Plan.Sections[i]
		section.ID = renamed(ids.sections, section.ID)
		section.Rows = slices.Clone(section.Rows)
		for k := range section.Rows {
			seats := slices.Clone(section.Rows[k].Seats)
			for n := range seats {
				seats[n].ID = renamed(ids.seats, seats[n].ID)
				seats[n].Category = renamed(ids.categories, seats[n].Category)
			}
			section.Rows[k].Seats = seats
		}
	}
	for category, price := range raw.Prices {
		file.Prices[renamed(ids.categories, category)] = price
	}
	if raw.Decimal != nil {
		file.Decimal = map[string]DecimalPrice{}
	}
	for category, price := range raw.Decimal {
		file.Decimal[renamed(ids.categories, category)] = price
	}
	for _, id := range raw.Withheld {
		file.Withheld = append(file.Withheld, renamed(ids.seats, id))
	}
	return file
}

func renamed(ids map[string]string, id string) string {
	if to, known := ids[id]; known {
		return to
	}
	return id
}
