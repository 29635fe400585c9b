package handlers

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/views"
)

// bestRetries is how often the next best seats are tried if others take some
// first.
const bestRetries = 5

// best serves POST /events/{event}/best: count, and if wanted category,
// section, accessible=1; request makes a repeat the same.
func (s *Server) best(c echo.Context) error {
	board, err := s.boardOf(c)
	if err != nil {
		return err
	}
	wish, err := wishOf(c.Request().PostForm, preparedOf(board.Renderer()).layout.plan, s.rules)
	if err != nil {
		return err
	}
	event := board.Event().ID
	out, err := s.grant(c, event, func() (store.Outcome, error) {
		return s.lockBest(c.Request().Context(), board, wish, store.LockRequest{
			Event: event, Holder: visitorOf(c).holder, Rules: s.rules,
			Request: cmp.Or(c.Request().PostForm.Get("request"), newRequest()),
		})
	})
	if err == nil && len(out.Seats) == 0 {
		err = cmp.Or(closedAt(board.Event(), out), errNoBlock)
	}
	return s.answer(c, board, answered{
		out: out, err: err, done: noteBest, more: views.AppendBestRequest(nil, newRequest()),
		says: func(h *views.Hall, until string) string {
			return blockLine(h, out.Seats) + " " + noteLocked.line(h.Words, until)
		},
	})
}

// lockBest locks the best seats, or the next best if others take some first. If
// there are none, it asks for what the request was granted before, if it is a
// repeat.
func (s *Server) lockBest(ctx context.Context, board *live.Board, wish plan.Wish, r store.LockRequest) (out store.Outcome, err error) {
	lost := map[string]bool{} // seats that the board may not know as taken yet
	for try := range 1 + bestRetries {
		draw, free := board.Free()
		where := preparedOf(draw).layout
		r.Seats, _ = where.plan.Best(wish, func(id string) bool { return free[where.place[id].order] && where.place[id].priced && !lost[id] })
		out, err = s.store.Lock(ctx, r)
		overtaken := errors.Is(err, store.ErrTaken) || errors.Is(err, store.ErrBooked) || errors.Is(err, store.ErrWithheld)
		if !overtaken || !slices.Equal(idsOf(out.Seats), r.Seats) { // the seats of a repeat are not chosen anew
			break
		}
		for _, seat := range inTheWay(r.Holder, out) {
			lost[seat.ID] = true
		}
		if try == bestRetries-1 { // the last try knows all seats that were taken before
			s.reach(ctx, board, out.Cursor)
		}
	}
	return out, err
}

func closedAt(e store.Event, out store.Outcome) error {
	if e.OnSaleAt(out.Now) {
		return nil
	}
	return store.ErrClosed
}

// newRequest returns a new id for a form's request.
func newRequest() string { return rand.Text() }

// countError is an impossible number of seats.
type countError struct{ most int }

func (e countError) Error() string { return fmt.Sprintf("count is not from 1 to %d", e.most) }

// wishOf reads what seats are wanted; of repeated fields the first counts.
func wishOf(form url.Values, p plan.Plan, rules store.Rules) (w plan.Wish, err error) {
	if w.Count, err = strconv.Atoi(form.Get("count")); err != nil || w.Count < 1 || w.Count > rules.MaxSeats {
		return w, countError{rules.MaxSeats}
	}
	w.Category, w.Section = form.Get("category"), form.Get("section")
	if w.Category != "" && !slices.ContainsFunc(p.Categories, func(c plan.Category) bool { return c.ID == w.Category }) ||
		w.Section != "" && !slices.ContainsFunc(p.Sections, func(s plan.Section) bool { return s.ID == w.Section }) {
		return w, errNoPart
	}
	if w.Accessible = form.Has("accessible"); w.Accessible && form.Get("accessible") != "1" {
		return w, errBadForm
	}
	return w, nil
}

// layout is a plan with the place of each seat.
type layout struct {
	plan  plan.Plan
	place map[string]place
}

type place struct {
	order  int // among all seats
	row    plan.Row
	priced bool // otherwise it is not for sale
}

func newLayout(p plan.Plan, h *views.Hall) *layout {
	l := &layout{plan: p, place: map[string]place{}}
	for _, section := range p.Sections {
		for _, row := range section.Rows {
			for _, seat := range row.Seats {
				l.place[seat.ID] = place{len(l.place), row, h.Priced(seat.ID)}
			}
		}
	}
	return l
}

// stranded returns the single free seats that are left beside the taken ones.
func (l *layout) stranded(taken []string, board *live.Board) []string {
	var rows []plan.Row // only those concerned: a hall may have hundreds
	var ids []string
	for _, id := range taken {
		row := l.place[id].row
		if len(row.Seats) == 0 || slices.ContainsFunc(rows, func(r plan.Row) bool { return &r.Seats[0] == &row.Seats[0] }) {
			continue
		}
		rows = append(rows, row)
		for _, seat := range row.Seats {
			ids = append(ids, seat.ID)
		}
	}
	seats, now := board.Seats(ids...)
	free := map[string]bool{}
	for _, seat := range seats {
		free[seat.ID] = seat.FreeAt(now) && l.place[seat.ID].priced
	}
	return plan.Plan{Sections: []plan.Section{{Rows: rows}}}.Stranded(taken, func(id string) bool { return free[id] })
}

func idsOf(seats []store.Seat) []string {
	ids := make([]string, len(seats))
	for i, seat := range seats {
		ids[i] = seat.ID
	}
	return ids
}
