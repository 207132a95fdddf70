// Checks a transparency log with Go's x/mod/sumdb/note and tlog: reads questions, a JSON object each, and answers each
// with {"ok","why","hashes"}. What is not theirs here is the writing of a C2SP proof file and of a checkpoint's text, and
// what a witness signs.
package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	head   = "c2sp.org/tlog-proof@v1\n"
	height = 8
)

type question struct {
	Ask     string            // "proof", "consistency", "tiles" or "cosigned"
	Origin  string            // whose log it must be
	Vkeys   []string          // verifier keys; those of another kind than Ed25519 are left aside
	Leaf    []byte            // the record of a proof
	Proof   string            // a C2SP proof file
	Old     string            // a signed checkpoint
	New     string            // a later one
	Hashes  []string          // a consistency proof
	Tiles   map[string][]byte // by path, L/N or L/N.p/W
	Records []int64           // which records to prove out of the tiles
}

type answer struct {
	OK     bool       `json:"ok"`
	Why    string     `json:"why"`
	Hashes [][]string `json:"hashes,omitempty"`
}

type checkpoint struct {
	size int64
	root tlog.Hash
}

func main() {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		var asked question
		if err := in.Decode(&asked); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		hashes, err := check(asked)
		given := answer{OK: err == nil, Hashes: hashes}
		if err != nil {
			given.Why = err.Error()
		}
		line, _ := json.Marshal(given)
		fmt.Fprintf(out, "%s\n", line)
	}
}

func check(asked question) ([][]string, error) {
	switch asked.Ask {
	case "proof":
		return nil, checkProof(asked)
	case "consistency":
		return nil, checkConsistency(asked)
	case "tiles":
		return proveFromTiles(asked)
	case "cosigned":
		return nil, checkCosigned(asked)
	}
	return nil, errors.New("nothing is asked")
}

// checkProof reads a proof file and asks tlog whether the leaf is in the tree that note says the log has signed.
func checkProof(asked question) error {
	before, signed, found := strings.Cut(asked.Proof, "\n\n")
	rest := strings.TrimPrefix(before, head)
	if !found || rest == before {
		return errors.New("no proof file")
	}
	lines := strings.Split(rest, "\n")
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return errors.New("no index")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return err
	}
	path, err := hashesOf(lines[1:])
	if err != nil {
		return err
	}
	tree, err := open(signed, asked)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, tree.size, tree.root, index, tlog.RecordHash(asked.Leaf))
}

func checkConsistency(asked question) error {
	older, err := open(asked.Old, asked)
	if err != nil {
		return err
	}
	newer, err := open(asked.New, asked)
	if err != nil {
		return err
	}
	path, err := hashesOf(asked.Hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(path, newer.size, newer.root, older.size, older.root)
}

// proveFromTiles lets tlog read tiles, which it checks against the signed root, and prove records out of them.
func proveFromTiles(asked question) ([][]string, error) {
	tree, err := open(asked.New, asked)
	if err != nil {
		return nil, err
	}
	reader := tlog.TileHashReader(tlog.Tree{N: tree.size, Hash: tree.root}, tiles(asked.Tiles))
	var all [][]string
	for _, record := range asked.Records {
		path, err := tlog.ProveRecord(tree.size, record, reader)
		if err != nil {
			return nil, err
		}
		lines := []string{}
		for _, hash := range path {
			lines = append(lines, hash.String())
		}
		all = append(all, lines)
	}
	return all, nil
}

// checkCosigned lets note check that each of the witnesses signed.
func checkCosigned(asked question) error {
	var known []note.Verifier
	for _, vkey := range asked.Vkeys {
		verifier, err := newWitness(vkey)
		if err != nil {
			return err
		}
		known = append(known, verifier)
	}
	opened, err := note.Open([]byte(asked.New), note.VerifierList(known...))
	if err == nil && len(opened.Sigs) != len(known) {
		err = errors.New("a witness did not sign")
	}
	return err
}

// witness is a key of C2SP tlog-cosignature's kind 0x04: it signs a time and the text under it.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newWitness(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("no verifier key")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != 4 {
		return nil, errors.New("no key of a witness")
	}
	digest := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	hash := binary.BigEndian.Uint32(digest[:])
	if parts[1] != fmt.Sprintf("%08x", hash) {
		return nil, errors.New("a verifier key under the hash of another")
	}
	return witness{parts[0], hash, raw[1:]}, nil
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }

func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(w.key, []byte(signed), signature[8:])
}

// open lets note check the signatures, and reads what it says was signed.
func open(signed string, asked question) (checkpoint, error) {
	var known []note.Verifier
	for _, vkey := range asked.Vkeys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil && err.Error() == "unknown verifier algorithm" {
			continue
		} else if err != nil {
			return checkpoint{}, err
		}
		known = append(known, verifier)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(known...))
	if err != nil {
		return checkpoint{}, err
	}
	ours := false
	for _, signature := range opened.Sigs {
		ours = ours || signature.Name == asked.Origin
	}
	lines := strings.Split(opened.Text, "\n")
	if !ours || len(lines) < 4 || lines[0] != asked.Origin {
		return checkpoint{}, errors.New("no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return checkpoint{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return checkpoint{size, root}, err
}

func hashesOf(lines []string) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		all = append(all, hash)
	}
	return all, nil
}

type tiles map[string][]byte

func (held tiles) Height() int { return height }

func (held tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (held tiles) ReadTiles(asked []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range asked {
		path := strings.TrimPrefix(tile.Path(), "tile/"+strconv.Itoa(height)+"/")
		content, found := held[path]
		if !found {
			return nil, fmt.Errorf("no tile %s", path)
		}
		all = append(all, content)
	}
	return all, nil
}
