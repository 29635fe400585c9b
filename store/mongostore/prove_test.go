//go:build prove && unix

package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// trial is how long one measurement of a loop runs. Loops are measured by
// turns, so that a noisy neighbour meets all of them.
const trial, trials = 2 * time.Second, 5

// TestProveMongoSpeed prints how many requests a second the engine answers,
// beside two bare loops of the same run: a findOneAndUpdate that counts a
// document up, and a transaction of two of them, both confirmed by a majority.
func TestProveMongoSpeed(t *testing.T) {
	m := testengine.ReplicaSet(t)
	p := &prover{T: t, m: m, bare: bareOf(t, m)}
	fmt.Println("> Three nodes of a replica set and all callers on this machine. *Single* is a bare\n> `findOneAndUpdate` of `$inc`, *transaction* a bare transaction of two of them, all with\n> `w:majority` and on documents of their own. CPU is that of the three servers and the caller.\n> ")
	fmt.Println("| what | callers | engine, 1/s | single, 1/s | transaction, 1/s | engine/transaction | engine/single | µs CPU: engine | single | transaction |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, callers := range []int{1, 16, 128} {
		p.row("lock a seat", callers, p.locks(1))
	}
	p.row("lock four seats", 32, p.locks(4))
	for _, callers := range []int{16, 128} {
		p.row("lose one hot seat", callers, p.losers())
	}
}

type prover struct {
	*testing.T
	m    *testengine.Mongo
	bare *mongo.Collection
}

// load makes what one trial works on, and returns what its callers do.
type load func() func(ctx context.Context, caller, n int) error

type figure struct{ perSecond, cpuMicros float64 }

func (p *prover) row(what string, callers int, engine load) {
	var e, s, x []figure
	for range trials {
		e = append(e, p.measure(callers, engine()))
		s = append(s, p.measure(callers, p.single()))
		x = append(x, p.measure(callers, p.transaction()))
	}
	a, b, c := median(e), median(s), median(x)
	fmt.Printf("| %s | %d | %.0f | %.0f | %.0f | %.2f | %.2f | %.0f | %.0f | %.0f |\n", what, callers,
		a.perSecond, b.perSecond, c.perSecond, a.perSecond/c.perSecond, a.perSecond/b.perSecond, a.cpuMicros, b.cpuMicros, c.cpuMicros)
}

// median returns the trial of median speed.
func median(figures []figure) figure {
	slices.SortFunc(figures, func(a, b figure) int { return int(a.perSecond - b.perSecond) })
	return figures[len(figures)/2]
}

// measure has callers work until the time is over.
func (p *prover) measure(callers int, do func(context.Context, int, int) error) figure {
	p.Helper()
	var next, done atomic.Int64
	var working sync.WaitGroup
	began, cpu := time.Now(), p.cpu()
	for caller := range callers {
		working.Go(func() {
			for time.Since(began) < trial {
				if err := do(p.Context(), caller, int(next.Add(1))-1); err != nil {
					p.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	working.Wait()
	took, n := time.Since(began), float64(done.Load())
	return figure{perSecond: n / took.Seconds(), cpuMicros: float64((p.cpu() - cpu).Microseconds()) / n}
}

func (p *prover) cpu() time.Duration { return p.m.CPU(p) + testengine.CPU(p) }

// locks has fresh holders lock fresh seats, n each.
func (p *prover) locks(n int) load {
	return func() func(context.Context, int, int) error {
		s, e := p.hall(40_000)
		return func(ctx context.Context, _, i int) error {
			seats := e.Seats[i*n%len(e.Seats):][:n]
			_, err := s.Lock(ctx, store.LockRequest{Event: e.ID, Holder: store.Holder(fmt.Sprint("h", i)), Seats: seats, Rules: store.DefaultRules()})
			return err
		}
	}
}

// losers has fresh holders ask for one seat that is taken.
func (p *prover) losers() load {
	return func() func(context.Context, int, int) error {
		s, e := p.hall(100)
		lock(p.T, s, "winner", "s0")
		return func(ctx context.Context, _, i int) error {
			_, err := s.Lock(ctx, store.LockRequest{Event: e.ID, Holder: store.Holder(fmt.Sprint("h", i)), Seats: []string{"s0"}, Rules: store.DefaultRules()})
			if !errors.Is(err, store.ErrTaken) {
				return fmt.Errorf("a taken seat: got %w, want ErrTaken", err)
			}
			return nil
		}
	}
}

func (p *prover) hall(seats int) (*store.Store, store.NewEvent) {
	s, e := open(p.T, p.m.NewDatabase(p)), hall(seats)
	if err := s.CreateEvent(p.Context(), e); err != nil {
		p.Fatal(err)
	}
	return s, e
}

// bareDocuments are enough for two of each caller.
const bareDocuments = 256

func bareOf(t *testing.T, m *testengine.Mongo) *mongo.Collection {
	client := must[*mongo.Client](t)(mongo.Connect(options.Client().ApplyURI(m.NewDatabase(t)).SetWriteConcern(writeconcern.Majority())))
	t.Cleanup(func() {
		if err := client.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c := client.Database("bare-" + m.Database(m.NewDatabase(t)).Name()).Collection("numbers")
	for i := range bareDocuments {
		if _, err := c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: i}, {Key: "n", Value: 0}}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := c.Database().Drop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (p *prover) count(ctx context.Context, i int) error {
	return p.bare.FindOneAndUpdate(ctx, bson.D{{Key: "_id", Value: i}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}}).Err()
}

func (p *prover) single() func(context.Context, int, int) error {
	return func(ctx context.Context, caller, _ int) error { return p.count(ctx, caller) }
}

func (p *prover) transaction() func(context.Context, int, int) error {
	return func(ctx context.Context, caller, _ int) error {
		session, err := p.bare.Database().Client().StartSession(options.Session().SetCausalConsistency(false))
		if err != nil {
			return err
		}
		defer session.EndSession(ctx)
		if err := session.StartTransaction(options.Transaction().
			SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority())); err != nil {
			return err
		}
		in := mongo.NewSessionContext(ctx, session)
		if err := errors.Join(p.count(in, 2*caller), p.count(in, 2*caller+1)); err != nil {
			return err
		}
		return session.CommitTransaction(in)
	}
}

// TestProveMongoBoard prints how long after its acknowledgement a lock is on
// the board of the instance, at 100 locks a second.
func TestProveMongoBoard(t *testing.T) {
	p := &prover{T: t, m: testengine.ReplicaSet(t)}
	s, e := p.hall(2000)
	hub := live.New(s, func(context.Context, store.Event) (live.Renderer, error) { return blank{e.Seats}, nil }, live.Options{})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- hub.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	board := must[*live.Board](t)(hub.Board(ctx, e.ID))
	var took []time.Duration
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := range 1000 {
		<-tick.C
		out := lock(t, s, fmt.Sprint("h", i), e.Seats[i])
		acknowledged := time.Now()
		if !board.Reach(ctx, out.Cursor) {
			t.Fatalf("lock %d never came to the board", i)
		}
		took = append(took, time.Since(acknowledged))
	}
	slices.Sort(took)
	ms := func(part float64) float64 {
		return float64(took[int(part*float64(len(took)-1))].Microseconds()) / 1000
	}
	fmt.Println("> From the acknowledgement of a lock to its arrival on the board, 100 locks a second.\n> ")
	fmt.Println("| locks | p50, ms | p95, ms | p99, ms | max, ms |")
	fmt.Println("|---:|---:|---:|---:|---:|")
	fmt.Printf("| %d | %.1f | %.1f | %.1f | %.1f |\n", len(took), ms(0.5), ms(0.95), ms(0.99), ms(1))
}

// blank draws nothing, in one section.
type blank struct{ seats []string }

func (b blank) Sections() [][]string                                   { return [][]string{b.seats} }
func (b blank) Page(live.Kind) (live.Page, bool)                       { return b, true }
func (blank) Status(s store.Seat) store.Status                         { return s.Status }
func (blank) Shows() []int                                             { return []int{0} }
func (blank) Seat(dst []byte, _ store.Seat) []byte                     { return dst }
func (blank) Section(dst []byte, _ int, _ []store.Seat, _ bool) []byte { return dst }
func (blank) Summary(dst []byte, _ []live.Counts, _ []int) []byte      { return dst }
func (blank) Mine(dst []byte, _ live.Mine) []byte                      { return dst }
