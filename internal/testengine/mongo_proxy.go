//go:build unix

package testengine

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Proxy relays between clients and one node, and loses replies when told to: the
// node has then done what a client asked for, but the client does not know.
type Proxy struct {
	node   string
	listen net.Listener
	ended  sync.WaitGroup

	mu      sync.Mutex
	open    map[net.Conn]bool // nil once the proxy has ended
	command string
	more    int // replies to lose
	how     Loss
	lost    int
	silent  bool
}

// Loss is how a reply is lost.
type Loss int

// The ways to lose a reply.
const (
	Cut     Loss = iota // the connection ends instead
	Swallow             // the connection stays, but no reply comes
	Silence             // and from then on nothing gets through, either way
)

// StartProxy starts a proxy before the present primary. It ends with the test.
func (m *Mongo) StartProxy(t testing.TB) *Proxy {
	t.Helper()
	p := &Proxy{node: m.nodes[m.Primary(t)].address, open: map[net.Conn]bool{}}
	var err error
	p.listen, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p.ended.Go(p.accept)
	t.Cleanup(p.end)
	return p
}

// URI returns the connection string of the same database through the proxy. It
// keeps the driver from connecting to the nodes that it learns of.
func (p *Proxy) URI(t testing.TB, uri string) string {
	t.Helper()
	u, err := url.Parse(uri)
	must(t, err)
	u.Host, u.RawQuery = p.listen.Addr().String(), "directConnection=true"
	return u.String()
}

// Lose makes the proxy lose the replies to the next n commands of this name that
// succeed.
func (p *Proxy) Lose(command string, n int, how Loss) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.command, p.more, p.how, p.lost = command, n, how, 0
}

// Lost returns how many replies were lost since the last call of Lose.
func (p *Proxy) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

func (p *Proxy) isSilent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silent
}

// Heal makes the proxy pass everything on from now on.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.more, p.silent = 0, false
}

func (p *Proxy) end() {
	_ = p.listen.Close() // nothing was written to it
	p.mu.Lock()
	for c := range p.open {
		_ = c.Close()
	}
	p.open = nil
	p.mu.Unlock()
	p.ended.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listen.Accept()
		if err != nil {
			return
		}
		p.ended.Go(func() { p.serve(client) })
	}
}

// keep registers a connection to be closed when the proxy ends, or closes it
// now if it has ended.
func (p *Proxy) keep(c net.Conn) (kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kept = p.open != nil; kept {
		p.open[c] = true
	} else {
		_ = c.Close()
	}
	return kept
}

func (p *Proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(p.open, c)
	}
}

// serve passes messages on until one side ends. A client has one command at a
// time under way on a connection, so a reply belongs to the last command.
func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.node)
	if err != nil {
		_ = client.Close()
		return
	}
	defer p.drop(client, server)
	if !p.keep(client) || !p.keep(server) {
		return
	}
	var mu sync.Mutex
	var asked string
	p.ended.Go(func() {
		defer p.drop(client, server)
		_ = relay(client, server, func(m message) (bool, error) { // any error ends the connection
			mu.Lock()
			defer mu.Unlock()
			asked = m.command()
			return !p.isSilent(), nil
		})
	})
	_ = relay(server, client, func(m message) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		return p.passes(asked, m)
	})
}

var errCut = errors.New("cut")

// passes reports whether the client may have the reply to its command.
func (p *Proxy) passes(asked string, m message) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.more == 0 || asked != p.command || !m.succeeded() {
		return !p.silent, nil
	}
	p.more--
	p.lost++
	switch p.how {
	case Cut:
		return false, errCut
	case Silence:
		p.silent = true
	}
	return false, nil
}

func relay(from io.Reader, to io.Writer, passes func(message) (bool, error)) error {
	for {
		m, err := readMessage(from)
		if err != nil {
			return err
		}
		pass, err := passes(m)
		if err != nil {
			return err
		}
		if pass {
			if _, err := to.Write(m); err != nil {
				return err
			}
		}
	}
}

// message is a message of MongoDB's wire protocol: a header of 16 bytes; in an
// OP_MSG, 4 bytes of flags and then sections, of which the first is the body.
type message []byte

const (
	headerSize = 16
	bodyAt     = 21
	opMsg      = 2013
	mostBytes  = 48 << 20
)

func readMessage(from io.Reader) (message, error) {
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(from, header); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header)
	if size < headerSize || size > mostBytes {
		return nil, errors.New("not a message")
	}
	m := append(header, make([]byte, size-headerSize)...)
	_, err := io.ReadFull(from, m[headerSize:])
	return m, err
}

func (m message) body() bson.Raw {
	if len(m) < bodyAt+4 || binary.LittleEndian.Uint32(m[12:]) != opMsg || m[bodyAt-1] != 0 {
		return nil
	}
	size := binary.LittleEndian.Uint32(m[bodyAt:])
	return bson.Raw(m[bodyAt:][:min(int(size), len(m)-bodyAt)])
}

// command returns the name of the command, or "".
func (m message) command() string {
	first, err := m.body().IndexErr(0)
	if err != nil {
		return ""
	}
	return first.Key()
}

func (m message) succeeded() bool {
	ok, _ := m.body().Lookup("ok").AsFloat64OK()
	return ok == 1
}
