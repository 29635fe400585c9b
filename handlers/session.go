package handlers

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/store"
)

// sessionLife is how long a session lasts after its last renewal. It is far
// longer than any lock, and renewed when half of it is gone.
const sessionLife = 30 * 24 * time.Hour

// holderKey is the session value that says who the visitor is, whatever
// becomes of the token.
const holderKey = "holder"

// sessions gives every visitor an identity. The cookie is a token of scs,
// signed by us. A signed token without a row is an empty session: a visitor is
// known from the first page on, and the row is written with the first lock.
type sessions struct {
	scs    *scs.SessionManager
	store  sessionStore
	cookie http.Cookie // all but the value
}

// sessionStore is what sessions needs of a store. Secret is asked for with each
// request: a store may only come to be reached later, or be replaced.
type sessionStore interface {
	records
	Secret(ctx context.Context) ([]byte, error)
}

func newSessions(st sessionStore, secure bool) *sessions {
	m := scs.New()
	m.Store = sessionRows{st}
	m.Codec = jsonCodec{}
	m.Lifetime = sessionLife
	m.HashTokenInStore = true
	cookie := http.Cookie{
		Name: "seatlock", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int(sessionLife.Seconds()),
	}
	if secure {
		cookie.Name, cookie.Secure = "__Host-seatlock", true
	}
	return &sessions{scs: m, store: st, cookie: cookie}
}

// visitor is who sent a request.
type visitor struct {
	holder store.Holder
	token  string
	signer signer
	// fresh tells that the request brought no identity, and that this one
	// must be handed to the browser.
	fresh bool
}

const visitorKey = "visitor"

func visitorOf(c echo.Context) visitor {
	v, _ := c.Get(visitorKey).(visitor)
	return v
}

// load puts the visitor and the session into the request. It reads the session
// row and writes nothing.
func (s *sessions) load(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Add("Vary", "Cookie")
		secret, err := s.store.Secret(c.Request().Context())
		if err != nil {
			return err
		}
		v := visitor{signer: secret}
		for _, cookie := range c.Request().CookiesNamed(s.cookie.Name) {
			if token, ok := v.signer.verify(cookie.Value); ok {
				v.token = token
				break
			}
		}
		if v.token == "" {
			v.token, v.fresh = rand.Text(), true
		}
		ctx, err := s.scs.Load(c.Request().Context(), v.token)
		if err != nil {
			return fmt.Errorf("load session: %w", err)
		}
		v.holder = store.Holder(s.scs.GetString(ctx, holderKey))
		if v.holder == "" {
			v.holder = v.signer.firstHolder(v.token)
		}
		c.SetRequest(c.Request().WithContext(ctx))
		c.Set(visitorKey, v)
		return next(c)
	}
}

// persist makes the visitor's session last: it writes the row if there is none
// yet, or if it has lived for half its life. Only then may the visitor lock.
func (s *sessions) persist(c echo.Context) error {
	ctx, v := c.Request().Context(), visitorOf(c)
	isNew := s.scs.GetString(ctx, holderKey) == ""
	if !isNew && time.Until(s.scs.Deadline(ctx)) > sessionLife/2 {
		return nil
	}
	s.scs.Put(ctx, holderKey, string(v.holder))
	s.scs.SetDeadline(ctx, time.Now().Add(sessionLife).UTC())
	token, _, err := s.scs.Commit(ctx)
	if err != nil {
		return fmt.Errorf("persist session: %w", err)
	}
	s.hand(c, token)
	return nil
}

// introduce hands a fresh visitor the cookie, and writes no row.
func (s *sessions) introduce(c echo.Context) {
	if v := visitorOf(c); v.fresh {
		s.hand(c, v.token)
	}
}

func (s *sessions) hand(c echo.Context, token string) {
	cookie := s.cookie
	cookie.Value = token + "." + visitorOf(c).signer.sign("cookie", token)
	h := c.Response().Header()
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, cookie.Name+"=") })
	c.SetCookie(&cookie)
}

// signer signs with the store's secret.
type signer []byte

// verify returns the token of a cookie that we signed.
func (s signer) verify(value string) (token string, ok bool) {
	token, signature, found := strings.Cut(value, ".")
	if !found || len(value) > 200 || token == "" {
		return "", false
	}
	return token, hmac.Equal([]byte(signature), []byte(s.sign("cookie", token)))
}

// firstHolder derives who the visitor is from a token that has no row. It
// cannot be turned back into the token.
func (s signer) firstHolder(token string) store.Holder {
	return store.Holder(s.sign("holder", token)[:22])
}

func (s signer) sign(use, token string) string {
	mac := hmac.New(sha256.New, s)
	mac.Write([]byte(use + ":" + token))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
