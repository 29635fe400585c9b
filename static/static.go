// Package static carries the files that every page shares: htmx with its
// stream extension, byte for byte as published (see HASHES), and the scripts,
// style and icon of Seatlock. They are served under names that contain a hash
// of their content, and so may be cached for ever.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed htmx.min.js hx-sse.min.js app.js offline.js style.css favicon.svg
var embedded embed.FS

// prefix is where the files are served.
const prefix = "/static/"

// File is one file, ready to be sent. Its bytes must not be changed.
type File struct {
	ContentType string
	Body        []byte
	// Gzip is Body compressed.
	Gzip []byte
}

// Files are all files by their hashed paths. It is immutable and safe for
// concurrent use.
type Files struct {
	paths map[string]string
	files map[string]File
}

// New reads the embedded files, hashes and compresses them.
func New() (*Files, error) {
	f := &Files{paths: map[string]string{}, files: map[string]File{}}
	entries, err := fs.ReadDir(embedded, ".")
	if err != nil {
		return nil, fmt.Errorf("read static files: %w", err)
	}
	for _, entry := range entries {
		if err := f.add(entry.Name()); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", entry.Name(), err)
		}
	}
	return f, nil
}

func (f *Files) add(name string) error {
	body, err := embedded.ReadFile(name)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	kind, err := contentType(name)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	hashed := prefix + strings.TrimSuffix(name, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
	f.paths[name] = hashed
	f.files[hashed] = File{ContentType: kind, Body: body, Gzip: packed.Bytes()}
	return nil
}

// contentType is a closed list: what the system knows of types differs from
// machine to machine.
func contentType(name string) (string, error) {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8", nil
	case ".css":
		return "text/css; charset=utf-8", nil
	case ".svg":
		return "image/svg+xml", nil
	}
	return "", fmt.Errorf("no content type is known")
}

// Path returns the path under which the file with this plain name is served,
// such as "/static/app-0123456789ab.js". A name that is not one of the files
// gets a path under which nothing is found.
func (f *Files) Path(name string) string {
	if hashed, ok := f.paths[name]; ok {
		return hashed
	}
	return prefix + name
}

// Open returns the file served under the path, which must be one that
// [Files.Path] returned: a plain name or a wrong hash is not found.
func (f *Files) Open(path string) (File, bool) {
	file, ok := f.files[path]
	return file, ok
}
