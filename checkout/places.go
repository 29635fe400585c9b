package checkout

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// place is a seat with the texts that it is sold by.
type place struct {
	line       store.Line // without tariff and price
	category   string     // the id
	order      int        // in the plan
	accessible bool
	beside     []string // the seats next to it in its row
}

// maxPlaces is how many seats are remembered, of all plans together: one takes
// some hundred bytes. The plan used last is, however large it is.
const maxPlaces = store.MaxSeats

// places finds the seats of plans. Plans are immutable: what is made of one
// stays right.
type places struct {
	plans interface {
		Plan(ctx context.Context, hash string) ([]byte, error)
	}
	flight singleflight.Group

	mu    sync.Mutex
	known []knownPlan // the one used last at the end
}

type knownPlan struct {
	hash  string
	seats map[string]place
}

// of returns the seats of a plan, read once for all who ask at the same time.
func (p *places) of(ctx context.Context, hash string) (map[string]place, error) {
	if seats, ok := p.remembered(hash); ok {
		return seats, nil
	}
	read, err, _ := p.flight.Do(hash, func() (any, error) {
		body, err := p.plans.Plan(context.WithoutCancel(ctx), hash)
		if err != nil {
			return nil, err
		}
		decoded, err := plan.Decode(body)
		if err != nil {
			return nil, err
		}
		seats := placesIn(decoded)
		p.remember(hash, seats)
		return seats, nil
	})
	if err != nil {
		return nil, err
	}
	return read.(map[string]place), nil
}

func (p *places) remembered(hash string) (map[string]place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.known, func(k knownPlan) bool { return k.hash == hash })
	if i < 0 {
		return nil, false
	}
	found := p.known[i]
	p.known = append(slices.Delete(p.known, i, i+1), found)
	return found.seats, true
}

func (p *places) remember(hash string, seats map[string]place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = append(p.known, knownPlan{hash, seats})
	sum := 0
	for _, k := range p.known {
		sum += len(k.seats)
	}
	for ; sum > maxPlaces && len(p.known) > 1; p.known = slices.Delete(p.known, 0, 1) {
		sum -= len(p.known[0].seats)
	}
}

// chosen is the place with a tariff, as the rules of tariffs have it.
func (p place) chosen(tariff string) store.Chosen {
	return store.Chosen{Seat: p.line.Seat, Category: p.category, Tariff: tariff, Accessible: p.accessible, Beside: p.beside}
}

// as is the place as it is sold at a tariff of the event. ok is false if it
// cannot be.
func (p place) as(e store.Event, tariff string) (line store.Line, ok bool) {
	line = p.line
	if line.Price, ok = e.PriceAs(p.category, tariff); !ok {
		return line, false
	}
	t, _ := e.Tariff(tariff)
	line.Tariff, line.TariffName = t.ID, t.Name
	return line, true
}

// choice is all that the place can be sold as.
func (p place) choice(e store.Event) Choice {
	choice := Choice{Seat: p.line.Seat}
	for _, t := range e.TariffsOf(p.category) {
		line, _ := p.as(e, t.ID)
		choice.Lines = append(choice.Lines, line)
	}
	if len(choice.Lines) == 0 {
		line, _ := p.as(e, "")
		choice.Lines = []store.Line{line}
	}
	return choice
}

func placesIn(hall plan.Plan) map[string]place {
	names := map[string]string{}
	for _, c := range hall.Categories {
		names[c.ID] = c.Name
	}
	seats := map[string]place{}
	for _, section := range hall.Sections {
		for _, row := range section.Rows {
			for i, s := range row.Seats {
				at := place{category: s.Category, order: len(seats), accessible: slices.Contains(s.Properties, plan.Accessible)}
				at.line = store.Line{Seat: s.ID, Label: s.Label, Row: row.Label, Section: section.Name, Category: names[s.Category]}
				for _, j := range []int{i - 1, i + 1} {
					if 0 <= j && j < len(row.Seats) {
						at.beside = append(at.beside, row.Seats[j].ID)
					}
				}
				seats[s.ID] = at
			}
		}
	}
	return seats
}
