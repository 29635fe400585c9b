package plan

import "slices"

// Draft is a plan file as it was read. Its File is the plan of a new event;
// [Draft.Onto] makes it the next plan of an event that exists.
type Draft struct {
	File
	raw   File              // with placeholders for the ids that the file does not have
	seats map[string]string // the ids of a new event, by placeholder
}

func newDraft(raw File) Draft {
	ids := newIDs(raw.Plan, Plan{}, nil)
	d := Draft{File: ids.of(raw), raw: raw, seats: ids.seats}
	d.Odd = slices.Concat(raw.Odd, d.Plan.sharedPlaces()) // not in raw: an existing event may have such seats
	return d
}

// sharedPlaces returns all seats at the place of another. Sections that share a
// name are two, since the file separates them.
func (p Plan) sharedPlaces() []OddText {
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
				here := spot{i, place.normalized()}
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

// placeholderIDs are the ids for a file's placeholders, by placeholder.
type placeholderIDs struct{ categories, sections, seats map[string]string }

// newIDs gives each placeholder of a plan an id that neither the present plan nor
// the file has. bare reports whether the ids of a section's seats leave the
// section out; nil is for a new event, where they do if it is the only one.
func newIDs(p, present Plan, bare func(section int) bool) placeholderIDs {
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
	return placeholderIDs{categories.ids(), sections.ids(), seats.ids()}
}

// add records the name for a placeholder; any other id is taken.
func (n namer) add(id string, name func() name) {
	if isPlaceholder(id) {
		n.names[id] = name()
	} else {
		n.taken[id] = true
	}
}

// of returns a copy of the file with ids instead of placeholders.
func (ids placeholderIDs) of(raw File) File {
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
