package mongostore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/seatlock/seatlock/store"
)

// errPrimaryLost ends what waits for a server that is the primary no more.
var errPrimaryLost = errors.New("the primary is another")

// primary knows which server is the primary. A frozen one keeps its
// connections, and all that waits for it would wait on while its successor is
// at work.
type primary struct {
	mu   sync.Mutex
	at   string          // "" while there is none, or none is needed
	term context.Context // ends when the one at that address is the primary no more
	end  context.CancelFunc
}

func newPrimary() *primary {
	p := &primary{}
	p.term, p.end = context.WithCancel(context.Background())
	return p
}

// monitor has the driver tell of every change.
func (p *primary) monitor() *event.ServerMonitor {
	return &event.ServerMonitor{TopologyDescriptionChanged: func(e *event.TopologyDescriptionChangedEvent) {
		at := ""
		for _, server := range e.NewDescription.Servers {
			if server.Kind == "RSPrimary" {
				at = server.Addr.String()
			}
		}
		p.become(at)
	}}
}

func (p *primary) become(at string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at != "" && p.at != at {
		p.end()
		p.term, p.end = context.WithCancel(context.Background())
	}
	p.at = at
}

// once runs fn until the primary is another, and no longer than tryTimeout.
func (p *primary) once(ctx context.Context, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	p.mu.Lock()
	term := p.term
	p.mu.Unlock()
	defer context.AfterFunc(term, func() { lose(errPrimaryLost) })()
	err := fn(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errPrimaryLost) {
		return fmt.Errorf("%w: %w", errPrimaryLost, err)
	}
	return err
}

// again runs fn until it succeeds, fails for good, or ctx ends. Once a try may
// have been applied, none that failed after it can say that nothing was.
func (p *primary) again(ctx context.Context, fn func(context.Context) error) (last error) {
	for try := 0; ; try++ {
		err := p.once(ctx, fn)
		if err == nil {
			return nil
		}
		if !errors.Is(last, store.ErrUnknown) {
			last = err
		}
		if !passing(err) || ctx.Err() != nil {
			return last
		}
		pause(ctx, try)
	}
}
