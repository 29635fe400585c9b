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

// halls keeps what is prepared once per definition of an event and language.
type halls struct {
	plans interface {
		Plan(ctx context.Context, hash string) ([]byte, error)
	}
	mu   sync.Mutex
	kept map[hallKey]*views.Hall
}

type hallKey struct {
	event    string
	language language.Tag
}

func newHalls(plans interface {
	Plan(ctx context.Context, hash string) ([]byte, error)
}) *halls {
	return &halls{plans: plans, kept: map[hallKey]*views.Hall{}}
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
		h.keep(english)
	}
	if tag == language.English {
		return english, nil
	}
	made := english.In(tag)
	h.keep(made)
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
	return views.NewHall(e, p) // its error says whose hall
}

func (h *halls) known(e store.Event, tag language.Tag) *views.Hall {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.kept[hallKey{e.ID, tag}]
	if known == nil || known.Event().Plan != e.Plan || known.Event().Revision != e.Revision {
		return nil
	}
	return known
}

func (h *halls) keep(made *views.Hall) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept[hallKey{made.Event().ID, made.Language()}] = made
}

// renderer draws what a board sends.
type renderer struct {
	*views.Hall
	rules store.Rules
}

func (s *Server) newRenderer(ctx context.Context, e store.Event) (live.Renderer, error) {
	h, err := s.halls.of(ctx, e, language.English)
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
