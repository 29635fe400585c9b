package handlers

import (
	"context"
	"sync"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/views"
)

// halls keeps what is prepared once per definition of an event.
type halls struct {
	plans interface {
		Plan(ctx context.Context, hash string) ([]byte, error)
	}
	mu   sync.Mutex
	byID map[string]*views.Hall
}

func newHalls(plans interface {
	Plan(ctx context.Context, hash string) ([]byte, error)
}) *halls {
	return &halls{plans: plans, byID: map[string]*views.Hall{}}
}

// of returns the hall of an event as it is now defined.
func (h *halls) of(ctx context.Context, e store.Event) (*views.Hall, error) {
	h.mu.Lock()
	known := h.byID[e.ID]
	h.mu.Unlock()
	if known != nil && known.Event().Plan == e.Plan && known.Event().Revision == e.Revision {
		return known, nil
	}
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
	h.byID[e.ID] = made
	return made, nil
}

// renderer draws what a board sends.
type renderer struct {
	*views.Hall
	rules store.Rules
}

func (s *Server) newRenderer(ctx context.Context, e store.Event) (live.Renderer, error) {
	h, err := s.halls.of(ctx, e)
	if err != nil {
		return nil, err
	}
	return renderer{h, s.rules}, nil
}

// Page implements [live.Renderer].
func (r renderer) Page(k live.Kind) (live.Page, bool) {
	p, ok := r.Hall.Page(k.Section)
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
	if len(m.Lost) > 0 {
		dst = views.AppendStatus(dst, lostLine(p.Hall(), m.Lost), true)
	}
	return dst
}
