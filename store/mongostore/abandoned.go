package mongostore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
)

// abandonedAfter is how long nothing is done in a transaction that is then
// taken for abandoned. A group's takes some milliseconds in all.
const abandonedAfter = 500 * time.Millisecond

// abandoned is what was found when transactions were last looked at.
type abandoned struct {
	mu     sync.Mutex
	looked time.Time
	idle   map[string]idleTransaction // by session and number
}

type idleTransaction struct {
	Session struct {
		ID bson.Binary `bson:"id"`
	} `bson:"lsid"`
	Transaction struct {
		Active     int64 `bson:"timeActiveMicros"`
		Parameters struct {
			Number int64 `bson:"txnNumber"`
		} `bson:"parameters"`
	} `bson:"transaction"`
}

// endAbandoned ends transactions in which nothing was done since it was last
// called: those of a process that was killed, or cut off, between its writes
// and their commit. MongoDB would keep them for a minute or more, and their
// seats from everybody. A process that is only slow finds its transaction gone,
// and begins it anew. They are of any Seatlock of the same user, whatever its
// database and version.
func (e *Engine) endAbandoned() {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	e.abandoned.mu.Lock()
	defer e.abandoned.mu.Unlock()
	if time.Since(e.abandoned.looked) < abandonedAfter {
		return
	}
	before := e.abandoned.idle
	found, err := e.idleTransactions(ctx)
	e.abandoned.looked, e.abandoned.idle = time.Now(), found
	var left bson.A
	for key, now := range found {
		if was, known := before[key]; known && was.Transaction.Active == now.Transaction.Active {
			left = append(left, bson.D{{Key: "id", Value: now.Session.ID}})
		}
	}
	if len(left) > 0 {
		e.log.Warn("ending transactions that a Seatlock has left behind", "transactions", len(left))
		err = e.admin().RunCommand(ctx, bson.D{{Key: "killSessions", Value: left}}).Err()
	}
	if err != nil {
		e.log.Warn("cannot look for transactions that were left behind", "error", err)
	}
}

func (e *Engine) admin() *mongo.Database {
	return e.db.Client().Database("admin", options.Database().SetReadConcern(readconcern.Local()))
}

func (e *Engine) idleTransactions(ctx context.Context) (map[string]idleTransaction, error) {
	cursor, err := e.admin().Aggregate(ctx, mongo.Pipeline{
		{{Key: "$currentOp", Value: bson.D{{Key: "idleSessions", Value: true}, {Key: "allUsers", Value: false}}}},
		match(bson.D{{Key: "type", Value: "idleSession"}, {Key: "appName", Value: ourNames}}),
	})
	if err != nil {
		return nil, err
	}
	var all []idleTransaction
	if err := cursor.All(ctx, &all); err != nil {
		return nil, err
	}
	found := make(map[string]idleTransaction, len(all))
	for _, one := range all {
		found[fmt.Sprintf("%x/%d", one.Session.ID.Data, one.Transaction.Parameters.Number)] = one
	}
	return found, nil
}
