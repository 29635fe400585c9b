package mongostore

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/seatlock/seatlock/store"
)

var (
	// errConflict: somebody else wrote first, and nothing of this try was
	// written. It never leaves the package.
	errConflict = errors.New("written by another meanwhile")
	errDamaged  = errors.New("damaged document")
	errNotYet   = errors.New("not connected yet")
	errBusy     = errors.New("busy with requests before this one")
)

// readError tells the end of the caller's ctx from a fault of ours.
func readError(ctx context.Context, err error) error {
	switch {
	case store.IsContract(err):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return unavailable(err)
}

// writeError is for writes of which nothing was applied, or that say otherwise
// themselves.
func writeError(err error) error {
	if store.IsContract(err) {
		return err
	}
	return unavailable(err)
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, quiet(err)) }

// outcomeUnknown is for writes that were sent and not answered.
func outcomeUnknown(err error) error { return fmt.Errorf("%w: %w", store.ErrUnknown, quiet(err)) }

// quietError has another text than what it wraps.
type quietError struct {
	error
	text string
}

func (e quietError) Error() string { return e.text }
func (e quietError) Unwrap() error { return e.error }

// quiet takes out of an error what the servers say of the document that they
// refuse: its _id may name a holder, or be a secret.
func quiet(err error) error {
	switch one, bulk := (mongo.WriteException{}), (mongo.BulkWriteException{}); {
	case mongo.IsDuplicateKeyError(err):
		return quietError{err, errConflict.Error()}
	case errors.As(err, &bulk) && len(bulk.WriteErrors) > 0:
		return quietError{err, fmt.Sprintf("MongoDB refuses a write: code %d", bulk.WriteErrors[0].Code)}
	case errors.As(err, &one) && len(one.WriteErrors) > 0:
		return quietError{err, fmt.Sprintf("MongoDB refuses a write: code %d", one.WriteErrors[0].Code)}
	}
	return err
}

// Codes of MongoDB's servers.
const (
	codeUnauthorized          = 13
	codeAuthenticationFailed  = 18
	codeNamespaceNotFound     = 26
	codeIndexNotFound         = 27
	codeNamespaceExists       = 48
	codeIndexOptionsConflict  = 85
	codeIndexKeySpecsConflict = 86
	codeWriteConflict         = 112
	codeInvalidResumeToken    = 260
	codeSnapshotTooOld        = 239
	codeSnapshotUnavailable   = 246
	codeStreamFatal           = 280
	codeHistoryLost           = 286
	codeInterrupted           = 11601
)

func hasCode(err error, codes ...int) bool {
	var server mongo.ServerError
	if !errors.As(err, &server) {
		return false
	}
	for _, code := range codes {
		if server.HasErrorCode(code) {
			return true
		}
	}
	return false
}

// refused reports whether a server has answered with an error.
func refused(err error) bool {
	var server mongo.ServerError
	return errors.As(err, &server)
}

func hasLabel(err error, label string) bool {
	var labeled mongo.LabeledError
	return errors.As(err, &labeled) && labeled.HasErrorLabel(label)
}

// passing reports whether the same may well succeed when tried again: another
// wrote first, or the primary changes.
func passing(err error) bool {
	return errors.Is(err, errConflict) || errors.Is(err, errPrimaryLost) || mongo.IsDuplicateKeyError(err) ||
		mongo.IsNetworkError(err) || mongo.IsTimeout(err) ||
		hasLabel(err, "TransientTransactionError") || hasLabel(err, "RetryableWriteError") ||
		hasCode(err, codeWriteConflict, codeSnapshotUnavailable, codeSnapshotTooOld, codeInterrupted)
}
