package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// transact runs fn, which tells whether it wrote something, in a transaction,
// and returns when that was committed. After any error but ErrUnknown nothing
// was written.
func (e *Engine) transact(ctx context.Context, fn func(context.Context) (wrote bool, err error)) (at bson.Timestamp, err error) {
	session, err := e.db.Client().StartSession(options.Session().SetCausalConsistency(false))
	if err != nil {
		return at, err
	}
	err = session.StartTransaction(options.Transaction().
		SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority()))
	wrote := false
	if err == nil {
		wrote, err = fn(mongo.NewSessionContext(ctx, session))
	}
	if err == nil && wrote {
		err = e.mayWrite(ctx)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		e.abort(ctx, session)
		return at, err
	}
	defer cleanUp(session.EndSession)
	if err := e.commit(ctx, session); err != nil {
		if wrote && !errors.Is(err, errConflict) {
			err = outcomeUnknown(err)
		}
		return at, err
	}
	return *session.OperationTime(), nil
}

// abort ends the session, and tells the server, which would else keep the
// documents from others for as long as it keeps a transaction. One that does
// not answer is not waited for.
func (e *Engine) abort(ctx context.Context, session *mongo.Session) {
	tell := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandTimeout)
		defer cancel()
		defer session.EndSession(ctx)
		if err := session.AbortTransaction(ctx); err != nil {
			e.log.Debug("abort a transaction", "error", err)
		}
	}
	if ctx.Err() == nil {
		tell()
		return
	}
	e.calls.Go(tell)
}

// commit asks until it knows whether the transaction was committed, which
// repeats nothing: the servers know it by its number.
func (e *Engine) commit(ctx context.Context, session *mongo.Session) error {
	limit := commitTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = max(limit, time.Until(deadline))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	for try := 0; ; try++ {
		err := e.primary.once(ctx, func(ctx context.Context) error {
			if try > 0 { // a commit too must not come after another format
				if err := e.mayWrite(ctx); err != nil {
					return err
				}
			}
			return session.CommitTransaction(ctx)
		})
		switch {
		case err == nil:
			return nil
		case hasLabel(err, "TransientTransactionError"):
			return fmt.Errorf("%w: %w", errConflict, err)
		case ctx.Err() != nil || !passing(err) && !hasLabel(err, "UnknownTransactionCommitResult"):
			return err
		}
		pause(ctx, try)
	}
}
