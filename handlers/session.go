package handlers

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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

// holderKey is the session value that keeps who the visitor is, whatever
// becomes of the token.
const holderKey = "holder"

// sessions gives every visitor an identity. The cookie is a token of scs,
// signed by us. A signed token without a row is an empty session: a visitor is
// known from the first page on, and the row is written with the first lock.
type sessions struct {
	scs    *scs.SessionManager
	rows   rows
	cookie http.Cookie // all but the value
}

// rows is what sessions needs of a store. Secret is asked for with each
// request: a store may only come to be reached later, or be replaced.
type rows interface {
	Secret(ctx context.Context) ([]byte, error)
	FindCtx(ctx context.Context, token string) (data []byte, found bool, err error)
	CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error
	DeleteCtx(ctx context.Context, token string) error
}

func newSessions(r rows, secure bool) *sessions {
	m := scs.New()
	m.Store = emptyWithoutRow{r}
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
	return &sessions{scs: m, rows: r, cookie: cookie}
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
		secret, err := s.rows.Secret(c.Request().Context())
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

// keep makes the visitor's session last: it writes the row if there is none
// yet, or if it has lived for half its life. Only then may the visitor lock.
func (s *sessions) keep(c echo.Context) error {
	ctx, v := c.Request().Context(), visitorOf(c)
	isNew := s.scs.GetString(ctx, holderKey) == ""
	if !isNew && time.Until(s.scs.Deadline(ctx)) > sessionLife/2 {
		return nil
	}
	s.scs.Put(ctx, holderKey, string(v.holder))
	s.scs.SetDeadline(ctx, time.Now().Add(sessionLife).UTC())
	token, _, err := s.scs.Commit(ctx)
	if err != nil {
		return fmt.Errorf("keep session: %w", err)
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

// emptyWithoutRow is scs's view of the rows. Only tokens that we signed get
// here, and one that has no row yet is an empty session rather than none.
type emptyWithoutRow struct{ rows }

func (e emptyWithoutRow) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	data, found, err := e.rows.FindCtx(ctx, token)
	if err != nil || found {
		return data, found, err
	}
	data, err = jsonCodec{}.Encode(time.Now().Add(sessionLife).UTC(), nil)
	return data, true, err
}

// scs asks for the three forms without a context, and never calls them on a
// store that has the others.

func (e emptyWithoutRow) Find(token string) ([]byte, bool, error) {
	return e.FindCtx(context.Background(), token)
}

func (e emptyWithoutRow) Commit(token string, data []byte, expiry time.Time) error {
	return e.CommitCtx(context.Background(), token, data, expiry)
}

func (e emptyWithoutRow) Delete(token string) error {
	return e.DeleteCtx(context.Background(), token)
}

// jsonCodec keeps session rows readable, and costs a tenth of scs's gob.
type jsonCodec struct{}

type sessionJSON struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
}

func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	out := sessionJSON{Deadline: deadline, Values: make(map[string]string, len(values))}
	for key, value := range values {
		text, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("session value %s is a %T: want a string", key, value)
		}
		out.Values[key] = text
	}
	return json.Marshal(out)
}

func (jsonCodec) Decode(data []byte) (time.Time, map[string]any, error) {
	var in sessionJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return time.Time{}, nil, fmt.Errorf("session row: %w", err)
	}
	values := make(map[string]any, len(in.Values))
	for key, text := range in.Values {
		values[key] = text
	}
	return in.Deadline, values, nil
}
