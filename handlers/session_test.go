package handlers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

func newStore(t *testing.T) *store.Store {
	t.Helper()
	engine, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "seatlock.db"), sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	st := store.New(engine)
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// visit runs a request with the cookie through load and then do, and returns
// the cookie that it was answered with, or the one it had.
func visit(t *testing.T, s *sessions, cookie *http.Cookie, do func(echo.Context) error) (visitor, *http.Cookie) {
	t.Helper()
	v, cookie, err := tryVisit(s, cookie, do)
	if err != nil {
		t.Fatal(err)
	}
	return v, cookie
}

func tryVisit(s *sessions, cookie *http.Cookie, do func(echo.Context) error) (visitor, *http.Cookie, error) {
	r := httptest.NewRequest("POST", "/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	answer := httptest.NewRecorder()
	c := echo.New().NewContext(r, answer)
	if err := s.load(do)(c); err != nil {
		return visitor{}, nil, err
	}
	if set := answer.Result().Cookies(); len(set) > 0 {
		cookie = set[0]
	}
	return visitorOf(c), cookie, nil
}

func TestHolderSurvivesRenewToken(t *testing.T) {
	s := newSessions(newStore(t), false)
	before, cookie := visit(t, s, nil, s.persist)
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
	s := newSessions(newStore(t), false)
	_, cookie := visit(t, s, nil, s.persist)

	_, cookie = visit(t, s, cookie, func(c echo.Context) error {
		s.scs.SetDeadline(c.Request().Context(), time.Now().Add(time.Minute).UTC())
		_, _, err := s.scs.Commit(c.Request().Context())
		return err
	})
	visit(t, s, cookie, s.persist)
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

// keyOf is that of the row of a cookie's session: the token, hashed once.
func keyOf(cookie *http.Cookie) store.Key {
	token, _, _ := strings.Cut(cookie.Value, ".")
	sum := sha256.Sum256([]byte(token))
	return store.Key{Kind: store.Session, ID: base64.RawURLEncoding.EncodeToString(sum[:])}
}

func nothing(echo.Context) error { return nil }

func TestSessionRow(t *testing.T) {
	st := newStore(t)
	s := newSessions(st, false)
	before := time.Now()
	v, cookie := visit(t, s, nil, s.persist)
	row, err := st.Record(t.Context(), keyOf(cookie))
	if err != nil {
		t.Fatal(err)
	}
	deadline, values, err := jsonCodec{}.Decode(row.Body)
	if err != nil || values[holderKey] != string(v.holder) {
		t.Errorf("the row is %s (%v), want the holder in it", row.Body, err)
	}
	for name, end := range map[string]time.Time{"row": row.Expires, "session": deadline} {
		if end.Before(before.Add(sessionLife-time.Second)) || end.After(time.Now().Add(sessionLife+time.Second)) {
			t.Errorf("the %s ends at %v, want a session's life from now", name, end)
		}
	}
	visit(t, s, cookie, func(c echo.Context) error { return s.scs.Destroy(c.Request().Context()) })
	if after, _ := visit(t, s, cookie, nothing); after.holder == v.holder || !after.fresh {
		t.Errorf("the visitor of a session that was ended is %q (fresh %t), want somebody new", string(after.holder), after.fresh)
	}
}

// A tombstone is nobody to a program that does not know it, either, and stays
// one when such a program renews it.
func TestTombstoneForOlderPrograms(t *testing.T) {
	st := newStore(t)
	s := newSessions(st, false)
	v, cookie := visit(t, s, nil, s.persist)
	if _, err := s.forget(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	row, err := st.Record(t.Context(), keyOf(cookie))
	if err != nil {
		t.Fatal(err)
	}
	var old struct {
		Deadline time.Time
		Values   map[string]string
	}
	err = json.Unmarshal(row.Body, &old)
	if holder := old.Values[holderKey]; err != nil || holder == "" || holder == string(v.holder) || time.Until(old.Deadline) < sessionLife-time.Minute {
		t.Errorf("an older program reads %+v (%v) in %s, want somebody unknown", old, err, row.Body)
	}
	// As such a program renews a row: it keeps the field and the index.
	renewed, err := store.KeepUnknown(row.Body, json.RawMessage(`{"deadline":"2999-01-01T00:00:00Z","values":{"holder":"x"}}`), "deadline", "values")
	if err != nil {
		t.Fatal(err)
	}
	write(t, st, cookie, string(renewed), time.Now().Add(sessionLife))
	if after, _ := visit(t, s, cookie, nothing); !after.fresh || after.forgotten.holder != v.holder {
		t.Errorf("after that the visitor is %+v, want somebody new", after)
	}
	if _, _, err := tryVisit(s, cookie, s.persist); err != nil {
		t.Errorf("the next grant: %v, want a session of somebody new", err)
	}
}

// A token without a row is an identity for as long as a session lasts, so that
// it is none when its tombstone has gone; with a row it is one for longer.
func TestTokensEnd(t *testing.T) {
	st := newStore(t)
	s := newSessions(st, false)
	secret, err := st.Secret(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		token string
		row   bool
		known bool
	}{
		"young":                       {"a-" + strconv.FormatInt(time.Now().Add(-sessionLife+time.Minute).Unix(), 36), false, true},
		"old":                         {"b-" + strconv.FormatInt(time.Now().Add(-sessionLife-time.Minute).Unix(), 36), false, false},
		"old, with a row":             {"c-" + strconv.FormatInt(time.Now().Add(-sessionLife-time.Minute).Unix(), 36), true, true},
		"of before, without a time":   {rand.Text(), false, false},
		"of before, with a row":       {rand.Text(), true, true},
		"a time that is out of range": {"d-zzzzzzzzzzzzzzzzzzzz", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			cookie := &http.Cookie{Name: "seatlock", Value: test.token + "." + signer(secret).sign("cookie", test.token)}
			if test.row {
				later := time.Now().Add(time.Hour).UTC()
				write(t, st, cookie, fmt.Sprintf(`{"deadline":%q,"values":{"holder":"me"}}`, later.Format(time.RFC3339Nano)), later)
			}
			if v, _ := visit(t, s, cookie, nothing); v.fresh == test.known || v.holder == "" {
				t.Errorf("fresh is %t, want %t", v.fresh, !test.known)
			}
		})
	}
}

// Where the tombstone is gone and the token's time is over, its copy is nobody.
func TestForgottenTokenStaysNobody(t *testing.T) {
	st := newStore(t)
	s := newSessions(st, false)
	v, cookie := visit(t, s, nil, s.persist)
	if _, err := s.forget(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	row, err := st.Record(t.Context(), keyOf(cookie))
	if err != nil {
		t.Fatal(err)
	}
	made, err := strconv.ParseInt(v.token[strings.LastIndexByte(v.token, '-')+1:], 36, 64)
	if end := time.Unix(made, 0).Add(sessionLife); err != nil || row.Expires.Before(end) {
		t.Errorf("the tombstone ends at %v, and the token at %v (%v)", row.Expires, end, err)
	}
}

// Of two requests to forget at once, the one that gave something back decides
// how long the tombstone stays, whichever of them ends first; and a second one
// alone makes it stay no longer.
func TestForgetTwice(t *testing.T) {
	for name, test := range map[string]struct {
		row   bool
		had   [2]bool
		stays time.Duration
	}{
		"nothing":            {false, [2]bool{}, forgottenBriefly},
		"a row":              {true, [2]bool{}, sessionLife},
		"seats by the first": {false, [2]bool{true, false}, sessionLife},
		"seats by the other": {false, [2]bool{false, true}, sessionLife},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStore(t)
			s := newSessions(st, false)
			begin := s.persist
			if !test.row {
				begin = func(c echo.Context) error { s.introduce(c); return nil }
			}
			v, cookie := visit(t, s, nil, begin)
			for range 2 {
				if gone, err := s.forget(t.Context(), v); err != nil || gone != (forgotten{v.holder, v.row()}) {
					t.Fatalf("forgotten is %+v (%v), want %q", gone, err, string(v.holder))
				}
			}
			for _, had := range test.had {
				if err := s.rows.gaveBack(t.Context(), v.row(), had, true); err != nil {
					t.Fatal(err)
				}
			}
			row, err := st.Record(t.Context(), keyOf(cookie))
			if left := time.Until(row.Expires); err != nil || left > test.stays || left < test.stays-time.Minute {
				t.Errorf("the tombstone stays for %v (%v), want %v", left, err, test.stays)
			}
			if gone, err := s.forget(t.Context(), v); err != nil || gone.holder != "" {
				t.Errorf("later there is %+v to give back (%v), want nobody", gone, err)
			}
		})
	}
}

// The streams of visitors who were forgotten since a time are ended. That of a
// visitor whose token no browser has is not known by it.
func TestForgottenAreFound(t *testing.T) {
	st := newStore(t)
	s := newSessions(st, false)
	began, err := st.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, _ := visit(t, s, nil, s.persist)
	unknown, done := s.streams.open(t.Context(), v)
	defer done()
	v.fresh = false
	known, done := s.streams.open(t.Context(), v)
	defer done()
	if err := s.rows.forget(t.Context(), v.row(), v.holder); err != nil {
		t.Fatal(err)
	}
	for name, since := range map[string]time.Time{"then": began, "a time to come, of another clock": began.Add(time.Hour), "now": {}} {
		again, done := s.streams.open(t.Context(), v)
		defer done()
		seen, err := s.endForgotten(t.Context(), since)
		if err != nil || seen.Before(began) || seen.After(began.Add(time.Minute)) || context.Cause(again) != errForgotten {
			t.Errorf("a look since %s, at %v (%v): the stream has %v, want it ended", name, seen, err, context.Cause(again))
		}
	}
	if context.Cause(known) != errForgotten || unknown.Err() != nil {
		t.Errorf("the streams have %v and %v, want one ended", context.Cause(known), unknown.Err())
	}
}

// Of streams that are closed nothing is left.
func TestOpenStreamsLeaveNothing(t *testing.T) {
	var streams openStreams
	v := visitor{token: "a"}
	_, first := streams.open(t.Context(), v)
	second, done := streams.open(t.Context(), v)
	first()
	if len(streams.of) != 1 || second.Err() != nil {
		t.Errorf("%d sessions after one of two streams, want 1", len(streams.of))
	}
	done()
	if len(streams.of) != 0 {
		t.Errorf("%d sessions after all streams, want none", len(streams.of))
	}
}

// write puts a row in the place of what the visitor has.
func write(t *testing.T, st *store.Store, cookie *http.Cookie, body string, expires time.Time) {
	t.Helper()
	err := st.ChangeRecord(t.Context(), keyOf(cookie), func(store.Record) (store.Record, bool, error) {
		return store.Record{Body: json.RawMessage(body), Expires: expires}, false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a newer program keeps in a session outlives its renewal by this one.
func TestSessionKeepsUnknownFields(t *testing.T) {
	st := newStore(t)
	s := newSessions(st, false)
	_, cookie := visit(t, s, nil, s.persist)
	soon := time.Now().Add(time.Hour).UTC()
	write(t, st, cookie, fmt.Sprintf(`{"deadline":%q,"values":{"holder":"me"},"newer":{"a":[1e400]}}`, soon.Format(time.RFC3339Nano)), soon)
	v, _ := visit(t, s, cookie, s.persist) // half its life is gone
	row, err := st.Record(t.Context(), keyOf(cookie))
	if err != nil {
		t.Fatal(err)
	}
	deadline, values, err := jsonCodec{}.Decode(row.Body)
	if err != nil || v.holder != "me" || values[holderKey] != "me" || time.Until(deadline) < sessionLife/2 || row.Expires.Before(soon.Add(time.Hour)) {
		t.Errorf("holder %q, and the row is %s (%v) until %v, want it renewed", string(v.holder), row.Body, err, row.Expires)
	}
	if !strings.Contains(string(row.Body), `"newer":{"a":[1e400]}`) {
		t.Errorf("the row is %s, want what is unknown kept as it was", row.Body)
	}
}

// A session is over when its row is, by the store's clock, or by the deadline
// in it; then the visitor is who they are without a row.
func TestSessionEnds(t *testing.T) {
	past, future := time.Now().Add(-time.Minute).UTC(), time.Now().Add(20*24*time.Hour).UTC()
	for name, test := range map[string]struct {
		deadline, expires time.Time
		want              bool
	}{"neither": {future, future, true}, "the row": {future, past, false}, "the deadline in it": {past, future, false}} {
		t.Run(name, func(t *testing.T) {
			st := newStore(t)
			s := newSessions(st, false)
			first, cookie := visit(t, s, nil, s.persist)
			write(t, st, cookie, fmt.Sprintf(`{"deadline":%q,"values":{"holder":"me"}}`, test.deadline.Format(time.RFC3339Nano)), test.expires)
			want := first.holder
			if test.want {
				want = "me"
			}
			if v, _ := visit(t, s, cookie, nothing); v.holder != want || v.fresh {
				t.Errorf("the visitor is %q (fresh %t), want %q", string(v.holder), v.fresh, string(want))
			}
		})
	}
}

func TestDamagedSessionIsAnError(t *testing.T) {
	st := newStore(t)
	s := newSessions(st, false)
	_, cookie := visit(t, s, nil, s.persist)
	for _, body := range []string{`{"deadline":7,"values":{}}`, `{"deadline":"2999-01-01T00:00:00Z","values":["me"]}`, `{"values":{"holder":1}}`} {
		write(t, st, cookie, body, time.Now().Add(time.Hour))
		if _, _, err := tryVisit(s, cookie, nothing); err == nil || !strings.Contains(err.Error(), "session row") {
			t.Errorf("a row of %s: %v, want an error", body, err)
		}
	}
}
