package mongostore

import (
	"slices"
	"sync"
)

// queues has the requests of each event that wait for the next group. One
// group of an event is under way at a time: requests that come meanwhile are
// the next, and so, under load, when it matters, one transaction serves many.
// All seats of it are of one event, and so on one shard. Requests about records
// alone have a queue of their own, that of the event "".
type queues struct {
	mu      sync.Mutex
	waiting map[string][]*request // by event; an entry, if only an empty one, where a group is under way
}

const (
	// groupSize bounds the seats that a group asks for and those that it writes,
	// give or take a request. A seat costs about a quarter of a millisecond.
	groupSize = 1000
	// recordSize is how many seats a record counts for, which may be large.
	recordSize = 10
	// groupBytes bounds what the bodies of records add to a transaction, give or
	// take a request: servers refuse one that does not fit into their cache.
	groupBytes = 4 << 20
)

// add queues a request, and reports whether nobody works who would take it.
func (q *queues) add(r *request) (idle bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	list, busy := q.waiting[r.Event]
	if q.waiting == nil {
		q.waiting = map[string][]*request{}
	}
	q.waiting[r.Event] = append(list, r)
	return !busy
}

// next takes the requests of one group. With none left, nobody works any more.
func (q *queues) next(event string) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.waiting[event]
	n, size := 0, 0
	for n < len(list) && size < groupSize {
		size += 1 + len(list[n].Seats) + recordSize*len(list[n].Records)
		n++
	}
	if n == 0 {
		delete(q.waiting, event)
		return nil
	}
	q.waiting[event] = slices.Clone(list[n:])
	return list[:n:n]
}

// back puts requests before those that wait.
func (q *queues) back(event string, requests []*request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting[event] = append(requests, q.waiting[event]...)
}

// leave takes a request out of those that wait, and reports whether it was
// still there.
func (q *queues) leave(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting[r.Event], r)
	if i < 0 {
		return false
	}
	q.waiting[r.Event] = slices.Delete(slices.Clone(q.waiting[r.Event]), i, i+1)
	return true
}

// work runs groups of an event until no request waits.
func (e *Engine) work(event string) {
	for group := e.queues.next(event); len(group) > 0; group = e.queues.next(event) {
		e.run(event, group)
	}
}
