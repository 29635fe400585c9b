package handlers

import (
	"context"
	"sync"

	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/views"
)

// halls is a cache of what is prepared once per definition of an event and language.
type halls struct {
	plans interface {
		Plan(ctx context.Context, hash string) ([]byte, error)
	}
	mu     sync.Mutex
	made   map[hallKey]*views.Hall
	layout map[string]*layout // by the plan's hash
}

type hallKey struct {
	event    string
	language language.Tag
}

func newHalls(plans interface {
	Plan(ctx context.Context, hash string) ([]byte, error)
}) *halls {
	return &halls{plans: plans, made: map[hallKey]*views.Hall{}, layout: map[string]*layout{}}
}

// of returns the hall of an event as it is now defined, in a language.
func (h *halls) of(ctx context.Context, e store.Event, tag language.Tag) (*views.Hall, error) {
	if known := h.known(e, tag); known != nil {
		return known, nil
	}
	english := h.known(e, language.English)
	if english == nil {
		var err error
		if english, err = h.build(ctx, e); err != nil {
			return nil, err
		}
		h.put(english)
	}
	if tag == language.English {
		return english, nil
	}
	made := english.In(tag)
	h.put(made)
	return made, nil
}

func (h *halls) build(ctx context.Context, e store.Event) (*views.Hall, error) {
	body, err := h.plans.Plan(ctx, e.Plan)
	if err != nil {
		return nil, err
	}
	p, err := plan.Decode(body)
	if err != nil {
		return nil, err
	}
	made, err := views.NewHall(e, p)
	if err != nil {
		return nil, err // says whose hall
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.layout[e.Plan] = newLayout(p)
	return made, nil
}

// layoutOf returns where the seats of an event are.
func (h *halls) layoutOf(ctx context.Context, e store.Event) (*layout, error) {
	if _, err := h.of(ctx, e, language.English); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.layout[e.Plan], nil
}

func (h *halls) known(e store.Event, tag language.Tag) *views.Hall {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.made[hallKey{e.ID, tag}]
	if known == nil || known.Event().Plan != e.Plan || known.Event().Revision != e.Revision {
		return nil
	}
	return known
}

func (h *halls) put(made *views.Hall) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.made[hallKey{made.Event().ID, made.Language()}] = made
}

// renderer draws what a board sends, in each language.
type renderer struct {
	*views.Hall
	in    map[string]*views.Hall
	rules store.Rules
}

func (s *Server) newRenderer(ctx context.Context, e store.Event) (live.Renderer, error) {
	r := renderer{in: map[string]*views.Hall{}, rules: s.rules}
	for _, tag := range views.Languages {
		h, err := s.halls.of(ctx, e, tag)
		if err != nil {
			return nil, err
		}
		r.in[tag.String()] = h
	}
	r.Hall = r.in[language.English.String()]
	return r, nil
}

// Page implements [live.Renderer].
func (r renderer) Page(k live.Kind) (live.Page, bool) {
	h, known := r.in[k.Language]
	if !known {
		return nil, false
	}
	p, ok := h.Page(k.Section)
	return page{p, r.rules}, ok
}

// page draws one kind of page.
type page struct {
	views.Page
	rules store.Rules
}

func (p page) Seat(dst []byte, seat store.Seat) []byte {
	return p.AppendSeat(dst, seat, false)
}

func (p page) Section(dst []byte, section int, seats []store.Seat, resync bool) []byte {
	return p.AppendSection(dst, section, seats, resync)
}

func (p page) Summary(dst []byte, sections []live.Counts, changed []int) []byte {
	return p.AppendSummary(dst, viewCounts(sections), changed)
}

func viewCounts(sections []live.Counts) []views.Counts {
	out := make([]views.Counts, len(sections))
	for i, n := range sections {
		out[i] = views.Counts(n)
	}
	return out
}

func (p page) Mine(dst []byte, m live.Mine) []byte {
	for _, seat := range m.Seats {
		dst = p.AppendSeat(dst, seat, true)
	}
	dst = p.AppendBasket(dst, basketOf(m.Seats, m.Now, p.rules))
	if line := lostLine(p.Hall(), m.Lost); line != "" {
		dst = views.AppendStatus(dst, line, true)
	}
	return dst
}
