// A peer for the log's benchmark: Go's x/mod/sumdb/tlog appends the same leaves in memory, and proves the same records.
// Reads a line of JSON and then the leaves, 32 bytes each; answers one line of JSON. Times are seconds.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"io"
	"os"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Leaves  int64
	Indices []int64
}

type answer struct {
	Append float64   `json:"append"`
	Prove  []float64 `json:"prove"`
	Root   []byte    `json:"root"`
	Proofs []byte    `json:"proofs"` // SHA-256 over every hash of every proof
}

type stored []tlog.Hash

func (held *stored) ReadHashes(indices []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indices))
	for at, index := range indices {
		found[at] = (*held)[index]
	}
	return found, nil
}

func main() {
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	must(err)
	var asked question
	must(json.Unmarshal(line, &asked))
	leaves := make([]byte, asked.Leaves*32)
	_, err = io.ReadFull(in, leaves)
	must(err)

	var given answer
	held := &stored{}
	began := time.Now()
	for n := int64(0); n < asked.Leaves; n++ {
		hashes, err := tlog.StoredHashes(n, leaves[n*32:n*32+32], held)
		must(err)
		*held = append(*held, hashes...)
	}
	given.Append = time.Since(began).Seconds()
	root, err := tlog.TreeHash(asked.Leaves, held)
	must(err)
	given.Root = root[:]

	all := sha256.New()
	for _, index := range asked.Indices {
		began = time.Now()
		proof, err := tlog.ProveRecord(asked.Leaves, index, held)
		given.Prove = append(given.Prove, time.Since(began).Seconds())
		must(err)
		for _, hash := range proof {
			all.Write(hash[:])
		}
	}
	given.Proofs = all.Sum(nil)
	must(json.NewEncoder(os.Stdout).Encode(given))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
