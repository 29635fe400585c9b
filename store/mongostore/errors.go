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

func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }

// outcomeUnknown is for writes that were sent and not answered.
func outcomeUnknown(err error) error { return fmt.Errorf("%w: %w", store.ErrUnknown, err) }

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
