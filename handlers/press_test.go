package handlers

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/views"
)

func TestPress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := make(press, 2)
		var now, most, drawn atomic.Int32
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := p.do(t.Context(), time.Minute, func() error {
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					time.Sleep(time.Second)
					now.Add(-1)
					drawn.Add(1)
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if most.Load() > 2 || drawn.Load() != 20 {
			t.Errorf("%d at once, %d drawn", most.Load(), drawn.Load())
		}
	})
}

// What draws for paper has its turn to wait for, and whose does not come is told so.
func TestPressIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{press: make(press, 1)}
		s.press <- struct{}{}
		ask := func(ctx context.Context) echo.Context {
			return echo.New().NewContext(httptest.NewRequestWithContext(ctx, "GET", "/", nil), httptest.NewRecorder())
		}
		if err := s.sendPDF(ask(t.Context()), "x", nil); !errors.Is(err, errBusy) {
			t.Errorf("a PDF: %v", err)
		}
		if err := s.drawCodes(ask(t.Context()), nil); !errors.Is(err, errBusy) {
			t.Errorf("the codes of a sheet: %v", err)
		}
		if p := problemOf(errBusy, views.In(language.English)); p.status != 503 || p.retryAfter == 0 {
			t.Errorf("the answer: %+v", p)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := s.sendPDF(ask(gone), "x", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("of who has left: %v", err)
		}
	})
}
