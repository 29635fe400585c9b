package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

const (
	// forgetWithin bounds the forgetting of a visitor, who may have left.
	forgetWithin = 25 * time.Second
	// forgetLook is how often an instance looks for those who were forgotten on
	// another.
	forgetLook = 500 * time.Millisecond
	// forgetLate is how far each look goes back before the previous one: longer
	// than writing a tombstone can take, which has the time from before the
	// write.
	forgetLate = forgetWithin + 5*time.Second
)

// errForgotten: the visitor was forgotten during the request, and what it was
// granted has been given back.
var errForgotten = errors.New("visitor forgotten meanwhile")

// The notes on the result of forgetting.
const (
	noteForgotten note = "forgotten"
	notePaying    note = "paying"
)

// forgetPage serves GET /forget.
func (s *Server) forgetPage(c echo.Context) error {
	v, words := visitorOf(c), s.speak(c)
	view := views.ForgetView{Words: words, Known: !v.fresh || v.forgotten.holder != "", Asset: s.files.Path}
	switch note(c.QueryParam("note")) {
	case noteForgotten:
		view.Line = words.Say("This device is forgotten, and the seats that you held are free again.")
	case notePaying:
		view.Line = words.Say("This device is forgotten, and the seats that you held are free again, except those that are being paid for.")
	default:
		view.Line = words.Say("This device is not known here: there is nothing to forget.")
	}
	noCache(c)
	return render(c, http.StatusOK, views.ForgetPage(view))
}

// forget serves POST /forget: from then on no cookie identifies the visitor,
// who has no seat locked. The tombstone comes first: a lock that is granted
// later finds it, and gives its seats back; see grant. If not all could be
// given back, the cookie stays, and a repeat continues; otherwise a repeat
// writes nothing.
func (s *Server) forget(c echo.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), forgetWithin)
	defer cancel()
	v := visitorOf(c)
	gone := v.forgotten // of a repeat, or nobody
	if !v.fresh {
		var err error
		if gone, err = s.sessions.forget(ctx, v); err != nil {
			return err
		}
	}
	done := noteForgotten
	if gone.holder != "" {
		had, paying, err := s.giveAllBack(ctx, gone.holder)
		if err := errors.Join(err, s.sessions.rows.gaveBack(ctx, gone.row, had, err == nil && !paying)); err != nil {
			return err
		}
		if paying {
			done = notePaying
		}
	}
	s.sessions.takeBack(c)
	to := url.URL{Path: "/forget", RawQuery: url.Values{"note": {string(done)}}.Encode()}
	return c.Redirect(http.StatusSeeOther, to.String())
}

// giveAllBack gives back all seats that the holder has locked, at any event. It
// reports whether the holder had any seat, and whether some stay because they
// are being paid for.
func (s *Server) giveAllBack(ctx context.Context, holder store.Holder) (had, paying bool, err error) {
	events, err := s.store.Events(ctx)
	if err != nil {
		return false, false, err
	}
	now, err := s.store.Now(ctx)
	if err != nil {
		return false, false, err
	}
	for _, e := range events {
		if e.OverAt(now) {
			continue
		}
		out, err := s.store.Unlock(ctx, store.UnlockRequest{Event: e.ID, Holder: holder})
		if err != nil && !errors.Is(err, store.ErrNoEvent) { // it may have been removed
			return had, paying, err
		}
		paying = paying || len(out.Lock.Seats) > 0
		had = had || paying || len(out.Seats) > 0
	}
	return had, paying, nil
}

// grant calls lock, and then makes the visitor's session last. A refusal, or no
// seat, writes no session. If the visitor was forgotten meanwhile, the seats
// are given back: errForgotten.
func (s *Server) grant(c echo.Context, event string, lock func() (store.Outcome, error)) (store.Outcome, error) {
	out, err := lock()
	var kept error
	switch {
	case errors.Is(err, store.ErrUnknown): // seats may be locked, or soon be
		kept = s.sessions.check(c)
	case err == nil && len(out.Seats) > 0:
		kept = s.sessions.persist(c)
	}
	_, isForgotten := errors.AsType[forgottenError](kept)
	switch {
	case isForgotten:
		s.giveBack(c, event)
		return store.Outcome{}, errForgotten
	case kept != nil && err == nil:
		s.log.Warn("session row not written, which the visitor's next lock does", "error", kept)
	}
	return out, err
}

// giveBack gives back the seats of a visitor who was forgotten meanwhile. If
// that fails, they are free once their time is over.
func (s *Server) giveBack(c echo.Context, event string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), keepWithin)
	defer cancel()
	if _, err := s.store.Unlock(ctx, store.UnlockRequest{Event: event, Holder: visitorOf(c).holder}); err != nil {
		s.log.Warn("seats of a forgotten visitor not given back", "event", event, "error", err)
	}
}

// watchForgotten ends the streams of visitors who were forgotten on any
// instance, until ctx ends. It is one query, however many streams there are.
func (s *Server) watchForgotten(ctx context.Context) {
	var since time.Time
	tick := time.NewTicker(forgetLook)
	defer tick.Stop()
	for well := true; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		seen, err := s.sessions.endForgotten(ctx, since)
		if err == nil {
			since = seen
		} else if well && ctx.Err() == nil {
			s.log.Warn("cannot look for forgotten visitors, trying again", "error", err)
		}
		well = err == nil
	}
}

// forget makes the visitor's token invalid. It returns the holder whose seats
// are to be given back.
func (s *sessions) forget(ctx context.Context, v visitor) (forgotten, error) {
	gone := forgotten{holder: v.holder, row: v.row()}
	err := s.rows.forget(ctx, gone.row, gone.holder)
	if end, already := errors.AsType[forgottenError](err); already { // by a request at the same time
		gone.holder, err = end.holder, nil
	}
	if err != nil {
		return forgotten{}, err
	}
	s.streams.end(gone.row)
	return gone, nil
}

// check returns a forgottenError if the visitor was forgotten since the request
// began.
func (s *sessions) check(c echo.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), keepWithin)
	defer cancel()
	return s.rows.check(ctx, visitorOf(c).row())
}

// takeBack makes the browser delete the cookie, and the tickets that it has
// kept.
func (s *sessions) takeBack(c echo.Context) {
	cookie := s.cookie
	cookie.MaxAge = -1
	c.SetCookie(&cookie)
	c.Response().Header().Set("Clear-Site-Data", `"storage"`)
}

// endForgotten ends the streams of visitors who were forgotten since then. It
// returns the time up to which it has looked; the zero time is now.
func (s *sessions) endForgotten(ctx context.Context, since time.Time) (seen time.Time, err error) {
	now, err := s.store.Now(ctx)
	if err != nil {
		return since, err
	}
	if since.IsZero() || now.Before(since) { // another primary's clock may be behind
		since = now
	}
	scan := store.Scan{Kind: store.Session, Index: store.Forgotten, From: stampOf(since.Add(-forgetLate)), Limit: store.MaxPage}
	for {
		page, err := s.store.Records(ctx, scan)
		if err != nil {
			return since, err
		}
		for _, row := range page {
			s.streams.end(row.ID)
		}
		if len(page) < scan.Limit {
			return now, nil
		}
		scan.After = page[len(page)-1]
	}
}

// openStreams has the open streams, by the ids of their visitors' session rows.
// The zero value is ready, and safe for concurrent use.
type openStreams struct {
	mu sync.Mutex
	of map[string][]*openStream
}

type openStream struct{ end context.CancelCauseFunc }

// open returns a context that ends with errForgotten when the visitor is
// forgotten. The caller must call done.
func (o *openStreams) open(ctx context.Context, v visitor) (until context.Context, done func()) {
	if v.fresh {
		return ctx, func() {} // nobody has that token yet
	}
	row := v.row()
	ctx, end := context.WithCancelCause(ctx)
	one := &openStream{end}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil {
		o.of = map[string][]*openStream{}
	}
	o.of[row] = append(o.of[row], one)
	return ctx, func() {
		end(nil)
		o.mu.Lock()
		defer o.mu.Unlock()
		left := slices.DeleteFunc(o.of[row], func(other *openStream) bool { return other == one })
		if o.of[row] = left; len(left) == 0 {
			delete(o.of, row)
		}
	}
}

// end ends the streams of a session.
func (o *openStreams) end(row string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range o.of[row] {
		one.end(errForgotten)
	}
}
