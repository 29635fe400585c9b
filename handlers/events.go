package handlers

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/singleflight"
	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/views"
)

const (
	// listedFor is how long a rendered list of events is used: a change of an
	// event must show within a second.
	listedFor = 500 * time.Millisecond
	// listWithin bounds the reading of the list.
	listWithin = 10 * time.Second
)

// list is the last rendered page of all events, in each language. It is the
// same for everybody, so all who ask at the same moment share one. It needs no
// hall.
type list struct {
	flight singleflight.Group
	mu     sync.Mutex
	drawn  map[language.Tag]drawn // at most one for each language
}

type drawn struct {
	at   time.Time
	body []byte
}

// eventsPage serves GET /.
func (s *Server) eventsPage(c echo.Context) error {
	words := s.speak(c)
	body, recent := s.list.recent(words.Language())
	if !recent {
		var err error
		if body, err = s.drawList(c.Request().Context(), words); err != nil {
			return err
		}
	}
	noCache(c)
	return c.HTMLBlob(http.StatusOK, body)
}

func (l *list) recent(tag language.Tag) (body []byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.drawn[tag]
	return d.body, time.Since(d.at) < listedFor
}

// drawList renders the list once for all who ask at the same time. If one of
// them leaves early, the others still get it.
func (s *Server) drawList(ctx context.Context, words views.Words) ([]byte, error) {
	result := s.list.flight.DoChan(words.Language().String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listWithin)
		defer cancel()
		began := time.Now()
		body, err := s.renderList(ctx, words)
		if err != nil {
			return nil, err
		}
		s.list.mu.Lock()
		defer s.list.mu.Unlock()
		s.list.drawn[words.Language()] = drawn{began, body}
		return body, nil
	})
	select {
	case r := <-result:
		body, _ := r.Val.([]byte)
		return body, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// renderList renders all events that are neither over nor hidden. One that
// cannot be rendered is left out, and logged.
func (s *Server) renderList(ctx context.Context, words views.Words) ([]byte, error) {
	events, err := s.store.Events(ctx)
	if err != nil {
		return nil, err
	}
	now, err := s.store.Now(ctx)
	if err != nil {
		return nil, err
	}
	v := views.EventsView{Words: words, Now: now, Asset: s.files.Path}
	for _, e := range events {
		if e.OverAt(now) || e.Hidden {
			continue
		}
		b, err := views.NewBilling(e, words)
		if err != nil {
			s.undrawable.log(s.log, slog.LevelError, "event cannot be shown", "event", e.ID, "error", err)
			continue
		}
		v.Events = append(v.Events, b)
	}
	var body bytes.Buffer
	err = views.EventsPage(v).Render(ctx, &body)
	return body.Bytes(), err
}
