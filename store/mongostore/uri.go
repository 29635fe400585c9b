package mongostore

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// The names by which servers know our connections. That of programs of format 2
// tells an upgrade that one still runs.
const (
	appName        = "seatlock-3"
	format2AppName = "seatlock"
)

// ourNames matches those of all versions.
var ourNames = bson.Regex{Pattern: `^seatlock(-[0-9]+)?$`}

// settings are what the URI says, with ours on top.
type settings struct {
	client   *options.ClientOptions
	database string
	place    string // hosts and database, for people to read
}

var (
	errBadURI     = errors.New("malformed: want mongodb://USER:PASSWORD@HOST,HOST/DATABASE?replicaSet=NAME")
	errNoSRV      = errors.New("its host cannot be looked up now, or the address is malformed: want mongodb+srv://USER:PASSWORD@HOST/DATABASE")
	errNoDatabase = errors.New("the URI names no database: put one after the hosts, as in mongodb://HOST/seatlock")
	errWeakWrites = errors.New("the URI asks for writes that a failing server may take back (w, journal or retryWrites): leave them out, writes are always confirmed by a majority")
)

// CheckURI says what is wrong with a URI before any server is asked, in one
// line without the password.
func CheckURI(uri string) error {
	_, err := parse(uri)
	return err
}

func parse(uri string) (settings, error) {
	client := options.Client().ApplyURI(uri)
	if client.Validate() != nil { // its text may hold the password
		if strings.HasPrefix(uri, "mongodb+srv://") {
			return settings{}, errNoSRV
		}
		return settings{}, errBadURI
	}
	set := settings{client: client, database: databaseOf(uri)}
	set.place = strings.Join(client.Hosts, ",") + "/" + set.database
	switch concern := client.WriteConcern; {
	case set.database == "", strings.ContainsAny(set.database, `/\. "$`):
		return settings{}, fmt.Errorf("%s: %w", set.place, errNoDatabase)
	case concern != nil && (concern.W != nil && concern.W != "majority" || concern.Journal != nil && !*concern.Journal),
		client.RetryWrites != nil && !*client.RetryWrites:
		return settings{}, fmt.Errorf("%s: %w", set.place, errWeakWrites)
	}
	client.SetAppName(appName).
		SetConnectTimeout(connectTimeout).SetHeartbeatInterval(heartbeat).SetServerSelectionTimeout(selectionTimeout).
		SetWriteConcern(writeconcern.Majority()).SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()).
		SetRetryWrites(true).SetRetryReads(true)
	return set, nil
}

// databaseOf returns the path of a connection string. What precedes it has no
// slash that is not escaped.
func databaseOf(uri string) string {
	_, rest, _ := strings.Cut(uri, "://")
	_, rest, _ = strings.Cut(rest, "/")
	name, _, _ := strings.Cut(rest, "?")
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}
