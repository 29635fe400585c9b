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
	mu     sync.Mutex
	byID   map[string]*views.Hall
	layout map[string]*layout // by the plan's hash
}

func newHalls(plans interface {
	Plan(ctx context.Context, hash string) ([]byte, error)
}) *halls {
	return &halls{plans: plans, byID: map[string]*views.Hall{}, layout: map[string]*layout{}}
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
	h.layout[e.Plan] = newLayout(p)
	return made, nil
}

// layoutOf returns where the seats of an event are.
func (h *halls) layoutOf(ctx context.Context, e store.Event) (*layout, error) {
	if _, err := h.of(ctx, e); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.layout[e.Plan], nil
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

func (r renderer) Seat(dst []byte, seat store.Seat) []byte {
	return r.AppendSeat(dst, seat, false)
}

func (r renderer) Section(dst []byte, section int, seats []store.Seat, resync bool) []byte {
	return r.AppendSection(dst, section, seats, resync)
}

func (r renderer) Summary(dst []byte, counts live.Counts) []byte {
	return r.AppendLegend(dst, views.Counts(counts))
}

func (r renderer) Mine(dst []byte, m live.Mine) []byte {
	for _, seat := range m.Seats {
		dst = r.AppendSeat(dst, seat, true)
	}
	dst = r.AppendBasket(dst, basketOf(m.Seats, m.Now, r.rules))
	if len(m.Lost) > 0 {
		dst = views.AppendStatus(dst, lostLine(r.Hall, m.Lost), true)
	}
	return dst
}
