package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/text/unicode/norm"
)

// Place is where a seat is, in the words that people read.
type Place struct{ Section, Row, Seat string }

func (p Place) String() string { return fmt.Sprintf("%s, row %s, seat %s", p.Section, p.Row, p.Seat) }

// normalized has one spelling for texts that look the same.
func (p Place) normalized() Place {
	return Place{norm.NFC.String(p.Section), norm.NFC.String(p.Row), norm.NFC.String(p.Seat)}
}

// Relabelled is a seat whose place in a file differs from that in the event.
type Relabelled struct {
	ID       string
	From, To Place
}

func (r Relabelled) String() string { return fmt.Sprintf("%s: %s -> %s", r.ID, r.From, r.To) }

// Growth is a plan file that was matched to an event, as its next plan.
type Growth struct {
	File
	// Kept is how many seats of the event the file has. They keep their ids.
	Kept int
	// Relabelled are those of them whose place differs from before, in the file's
	// order.
	Relabelled []Relabelled

	missing error // the first seat of the event that the file does not have
	moved   error // the first seat that would get the place of another
}

// Check returns an error if the plan cannot be the event's next one: it lacks a
// seat, or a seat would get the place of another.
func (g Growth) Check() error { return cmp.Or(g.missing, g.moved) }

// Onto returns the file as the next plan of an event with the present one. Ids of
// the event stay: where the file has none, a seat keeps its id by its section,
// row and label, a section and a category by their names. New ones get ids that
// nothing in the event has.
func (d Draft) Onto(present Plan) (Growth, error) {
	m := newMatch(d, present)
	m.matchSections()
	if m.matchSeats(); m.err != nil {
		return Growth{}, m.err
	}
	m.matchCategories()
	raw := m.keepSpelling(d.raw)
	ids := newIDs(m.known.of(raw).Plan, present, m.bare())
	maps.Copy(ids.sections, m.known.sections)
	maps.Copy(ids.categories, m.known.categories)
	maps.Copy(ids.seats, m.known.seats)
	g := Growth{File: ids.of(raw)}
	g.compare(present, d.raw.Plan)
	return g, nil
}

// match finds what a file and the plan of an event have in common.
type match struct {
	file, present Plan
	fresh         map[string]string // the ids of a new event, by placeholder
	sections      []int             // indexes in the present plan, by the file's; -1 is none
	known         placeholderIDs
	places        map[string]Place // of the event's seats, by id
	sectionOf     map[string]int   // indexes of their sections
	err           error

	// The names of the event's sections and categories in a file without their
	// ids, by id: see [distinct].
	sectionNames, categoryNames map[string]string
}

func newMatch(d Draft, present Plan) *match {
	m := &match{file: d.raw.Plan, fresh: d.seats, present: present, places: present.places(), sectionOf: map[string]int{}}
	m.known = placeholderIDs{map[string]string{}, map[string]string{}, map[string]string{}}
	m.sectionNames, m.categoryNames = map[string]string{}, map[string]string{}
	for i, section := range present.Sections {
		m.sectionNames[section.ID] = norm.NFC.String(section.Name)
		for _, row := range section.Rows {
			for _, s := range row.Seats {
				m.sectionOf[s.ID] = i
			}
		}
	}
	for _, c := range present.Categories {
		m.categoryNames[c.ID] = norm.NFC.String(c.Name)
	}
	m.sectionNames, m.categoryNames = distinct(m.sectionNames), distinct(m.categoryNames)
	return m
}

// places returns the places of all seats, by id.
func (p Plan) places() map[string]Place {
	places := map[string]Place{}
	for _, section := range p.Sections {
		for _, row := range section.Rows {
			for _, s := range row.Seats {
				places[s.ID] = Place{section.Name, row.Label, s.Label}
			}
		}
	}
	return places
}

// matchSections matches the file's sections to the event's by their ids, their
// names, or their seats. No two match the same one.
func (m *match) matchSections() {
	count, taken := map[string]int{}, map[int]bool{}
	names := make([]string, len(m.file.Sections))
	homes := make([]int, len(m.file.Sections))
	for i, s := range m.file.Sections {
		names[i], homes[i] = norm.NFC.String(s.Name), m.home(s)
		count[names[i]]++
		m.sections = append(m.sections, -1)
	}
	present := make([]string, len(m.present.Sections))
	for k, s := range m.present.Sections {
		present[k] = norm.NFC.String(s.Name)
	}
	for _, same := range []func(i, k int) bool{
		func(i, k int) bool { return m.file.Sections[i].ID == m.present.Sections[k].ID },
		func(i, k int) bool { return homes[i] == k && names[i] == present[k] },
		func(i, k int) bool {
			return count[names[i]] == 1 && names[i] == m.sectionNames[m.present.Sections[k].ID]
		},
		func(i, k int) bool { return homes[i] == k && isPlaceholder(m.file.Sections[i].ID) },
		func(i, k int) bool { return names[i] == present[k] && m.onlyLeft(names, present, taken, names[i]) == k },
	} {
		for i := range m.file.Sections {
			for k := range m.present.Sections {
				if m.sections[i] < 0 && !taken[k] && same(i, k) {
					m.sections[i], taken[k] = k, true
				}
			}
		}
	}
	for i, f := range m.file.Sections {
		switch k := m.sections[i]; {
		case k >= 0 && isPlaceholder(f.ID):
			m.known.sections[f.ID] = m.present.Sections[k].ID
		case k >= 0 && f.ID != m.present.Sections[k].ID:
			m.err = fmt.Errorf("section %q has the id %q, and keeps it: the file says %q", f.Name, m.present.Sections[k].ID, f.ID)
		}
	}
}

// onlyLeft returns the event's section of a name, if one of the file's sections
// and one of the event's are left that have it; otherwise -1.
func (m *match) onlyLeft(names, present []string, taken map[int]bool, name string) int {
	last, left := -1, 0
	for i := range names {
		if names[i] == name && m.sections[i] < 0 {
			left++
		}
	}
	for k := range present {
		if present[k] == name && !taken[k] {
			left++
			last = k
		}
	}
	if left != 2 {
		return -1
	}
	return last
}

// home returns the event's section that has the first known seat of a section of
// the file, by the seat's id or number; -1 if none is known.
func (m *match) home(f Section) int {
	for _, row := range f.Rows {
		for _, s := range row.Seats {
			if i, known := m.sectionOf[cmp.Or(m.fresh[s.ID], s.ID)]; known && !isSeatPlaceholder(s.ID) {
				return i
			}
		}
	}
	return -1
}

// matchSeats matches seats without ids by their places. If several share a place,
// the ids that they would get in a new event decide.
func (m *match) matchSeats() {
	at, asked := map[Place][]string{}, map[Place][]string{}
	claimed := map[string]bool{}
	for s := range m.file.seats() {
		claimed[s.ID] = true
	}
	for id, place := range m.places {
		if !claimed[id] {
			at[m.inSection(m.sectionOf[id], place)] = append(at[m.inSection(m.sectionOf[id], place)], id)
		}
	}
	for i, section := range m.file.Sections {
		for _, row := range section.Rows {
			for _, s := range row.Seats {
				if isPlaceholder(s.ID) {
					place := m.inSection(m.sections[i], Place{m.nameInEvent(i), row.Label, s.Label})
					asked[place] = append(asked[place], s.ID)
				}
			}
		}
	}
	for place, ids := range asked {
		rest := slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
			if !slices.Contains(at[place], m.fresh[id]) {
				return false
			}
			m.known.seats[id], claimed[m.fresh[id]] = m.fresh[id], true
			return true
		})
		have := slices.DeleteFunc(at[place], func(id string) bool { return claimed[id] })
		switch {
		case len(rest) == 0 || len(have) == 0:
		case len(rest) == 1 && len(have) == 1:
			m.known.seats[rest[0]], claimed[have[0]] = have[0], true
		default:
			m.err = fmt.Errorf("row %s, seat %s appears more than once: the file needs ids (seatlock export writes them)", place.Row, place.Seat)
		}
	}
	m.matchNumbers(claimed)
}

// matchNumbers matches seats of which the file has only a number: an earlier
// import made their ids from that.
func (m *match) matchNumbers(claimed map[string]bool) {
	for s := range m.file.seats() {
		_, found := m.known.seats[s.ID]
		if _, known := m.places[m.fresh[s.ID]]; isPlaceholder(s.ID) && !isSeatPlaceholder(s.ID) && !found && known && !claimed[m.fresh[s.ID]] {
			m.known.seats[s.ID], claimed[m.fresh[s.ID]] = m.fresh[s.ID], true
		}
	}
}

// inSection returns a place with the index of its section: names may repeat.
func (m *match) inSection(i int, p Place) Place {
	p.Section = fmt.Sprint(i, " ", p.Section)
	return p.normalized()
}

// nameInEvent returns the event's name for a section of the file. A file that
// cannot distinguish sections of one name may have the id instead.
func (m *match) nameInEvent(i int) string {
	f, k := m.file.Sections[i], m.sections[i]
	if k >= 0 && norm.NFC.String(f.Name) == m.sectionNames[m.present.Sections[k].ID] {
		return m.present.Sections[k].Name
	}
	return f.Name
}

func (m *match) matchCategories() {
	taken := map[string]bool{}
	for _, c := range m.file.Categories {
		taken[c.ID] = true
	}
	for _, same := range []func(file, present Category) bool{
		func(f, p Category) bool { return norm.NFC.String(f.Name) == m.categoryNames[p.ID] },
		func(f, p Category) bool { return wordName(f.ID, f.Name).plain == p.ID },
	} {
		for _, f := range m.file.Categories {
			for _, p := range m.present.Categories {
				if isPlaceholder(f.ID) && m.known.categories[f.ID] == "" && !taken[p.ID] && same(f, p) {
					m.known.categories[f.ID], taken[p.ID] = p.ID, true
				}
			}
		}
	}
}

// keepSpelling replaces the texts of what was matched by the event's: texts
// that look the same may differ in their bytes.
func (m *match) keepSpelling(raw File) File {
	raw = placeholderIDs{}.of(raw)
	for i := range raw.Plan.Sections {
		section := &raw.Plan.Sections[i]
		if isPlaceholder(section.ID) {
			section.Name = m.nameInEvent(i)
		}
		for k := range section.Rows {
			row := &section.Rows[k]
			for n, s := range row.Seats {
				place, found := m.places[m.known.seats[s.ID]]
				if !found {
					continue
				}
				row.Seats[n].Label = spelling(s.Label, place.Seat)
				row.Label = spelling(row.Label, place.Row)
			}
		}
	}
	for i, c := range raw.Plan.Categories {
		for _, p := range m.present.Categories {
			if m.known.categories[c.ID] == p.ID && norm.NFC.String(c.Name) == m.categoryNames[p.ID] {
				raw.Plan.Categories[i].Name = p.Name
			}
		}
	}
	return raw
}

// spelling returns the present text if the two look the same.
func spelling(text, present string) string {
	if norm.NFC.String(text) == norm.NFC.String(present) {
		return present
	}
	return text
}

// bare reports whether the ids of a section's seats leave out the section: those
// of an event that began with that section alone do.
func (m *match) bare() func(section int) bool {
	return func(i int) bool {
		if m.sections[i] < 0 {
			return false
		}
		section := m.present.Sections[m.sections[i]]
		for _, row := range section.Rows {
			for _, s := range row.Seats {
				if s.ID == seatName(seatPlaceholder(section.Name, row.Label, s.Label), true).plain {
					return true
				}
			}
		}
		return false
	}
}

// compare counts the seats that stay, and finds those that changed or are
// missing.
func (g *Growth) compare(present, raw Plan) {
	before, after := present.places(), g.Plan.places()
	for s := range g.Plan.seats() {
		was, known := before[s.ID]
		if !known {
			continue
		}
		g.Kept++
		if was.normalized() != after[s.ID].normalized() {
			g.Relabelled = append(g.Relabelled, Relabelled{s.ID, was, after[s.ID]})
		}
	}
	g.moved = g.placeConflict(present, before, after)
	for s := range present.seats() {
		if _, there := after[s.ID]; !there {
			g.missing = missingError(s.ID, before[s.ID], raw)
			return
		}
	}
}

// placeConflict returns an error for the first seat, new or relabelled, that
// gets a place which another seat has or had. Seats that share a place in the
// event may keep it, since earlier imports allowed that.
func (g *Growth) placeConflict(present Plan, before, after map[string]Place) error {
	had, gets := map[Place]string{}, map[Place]string{} // ids of seats
	for s := range present.seats() {
		had[before[s.ID].normalized()] = s.ID
	}
	for s := range g.Plan.seats() {
		place := after[s.ID]
		if was, known := before[s.ID]; known && was.normalized() == place.normalized() {
			continue
		}
		if other, has := had[place.normalized()]; has {
			return fmt.Errorf("seat %q becomes %s, which is seat %q of the event: seats never change places with one another, and no two share one", s.ID, place, other)
		}
		if other, got := gets[place.normalized()]; got {
			return sharedError(other, s.ID, place)
		}
		gets[place.normalized()] = s.ID
	}
	return nil
}

func sharedError(one, other string, place Place) error {
	return fmt.Errorf("seats %q and %q are both %s: no two seats may share a place", one, other, place)
}

// missingError names a seat that the file does not have. Without ids, the file
// may have it under another name, which nobody can know.
func missingError(id string, place Place, raw Plan) error {
	text := fmt.Sprintf("seat %q of the event is not in the plan", id)
	for s := range raw.seats() {
		if isPlaceholder(s.ID) {
			return fmt.Errorf("%s (%s): without ids in the file, a seat with another section, row or label is another seat; to relabel a seat, use a file with ids, as seatlock export writes it", text, place)
		}
	}
	return errors.New(text)
}

// New returns how many seats of the file the event does not have.
func (g Growth) New() int { return len(g.Plan.SeatIDs()) - g.Kept }
