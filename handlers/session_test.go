package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// memoryRows are session rows for a test of what stands above them.
type memoryRows struct {
	mu   sync.Mutex
	data map[string][]byte
}

func (m *memoryRows) FindCtx(_ context.Context, token string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, found := m.data[token]
	return data, found, nil
}

func (m *memoryRows) CommitCtx(_ context.Context, token string, data []byte, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data[token] = data
	return nil
}

func (m *memoryRows) DeleteCtx(_ context.Context, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.data, token)
	return nil
}

func (m *memoryRows) Secret(context.Context) ([]byte, error) { return []byte("secret"), nil }

// visit runs a request with the cookie through load and then do, and returns
// the cookie that it was answered with, or the one it had.
func visit(t *testing.T, s *sessions, cookie *http.Cookie, do func(echo.Context) error) (visitor, *http.Cookie) {
	t.Helper()
	r := httptest.NewRequest("POST", "/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	answer := httptest.NewRecorder()
	c := echo.New().NewContext(r, answer)
	if err := s.load(do)(c); err != nil {
		t.Fatal(err)
	}
	if set := answer.Result().Cookies(); len(set) > 0 {
		cookie = set[0]
	}
	return visitorOf(c), cookie
}

func TestHolderSurvivesRenewToken(t *testing.T) {
	s := newSessions(&memoryRows{data: map[string][]byte{}}, false)
	before, cookie := visit(t, s, nil, s.keep)
	_, renewed := visit(t, s, cookie, func(c echo.Context) error {
		ctx := c.Request().Context()
		if err := s.scs.RenewToken(ctx); err != nil {
			return err
		}
		token, _, err := s.scs.Commit(ctx)
		s.hand(c, token)
		return err
	})
	if renewed.Value == cookie.Value {
		t.Fatal("the token was not renewed")
	}
	after, _ := visit(t, s, renewed, func(echo.Context) error { return nil })
	if after.holder != before.holder || after.fresh {
		t.Errorf("holder %q (fresh %t) after the renewal, %q before", string(after.holder), after.fresh, string(before.holder))
	}
}

func TestSessionOutlivesItsLocks(t *testing.T) {
	rows := &memoryRows{data: map[string][]byte{}}
	s := newSessions(rows, false)
	_, cookie := visit(t, s, nil, s.keep)

	_, cookie = visit(t, s, cookie, func(c echo.Context) error {
		s.scs.SetDeadline(c.Request().Context(), time.Now().Add(time.Minute).UTC())
		_, _, err := s.scs.Commit(c.Request().Context())
		return err
	})
	visit(t, s, cookie, s.keep)
	visit(t, s, cookie, func(c echo.Context) error {
		if left := time.Until(s.scs.Deadline(c.Request().Context())); left < 24*time.Hour {
			t.Errorf("the session ends in %v after another lock, want long after any lock", left)
		}
		return nil
	})
}

func TestSessionValuesAreTexts(t *testing.T) {
	if _, err := (jsonCodec{}).Encode(time.Now(), map[string]any{"n": 1}); err == nil {
		t.Error("a number was taken, and would come back as a text")
	}
	at := time.Now().UTC()
	data, err := jsonCodec{}.Encode(at, map[string]any{"holder": "h"})
	if err != nil {
		t.Fatal(err)
	}
	deadline, values, err := jsonCodec{}.Decode(data)
	if err != nil || !deadline.Equal(at) || values["holder"] != "h" {
		t.Errorf("got %v %v %v", deadline, values, err)
	}
}
