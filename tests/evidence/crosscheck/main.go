// Crosscheck has Go's own transparency log packages, golang.org/x/mod/sumdb/note and tlog, look at what
// informativa writes: it reads a request as JSON, and answers with what they say of it.
//
// A published folder has "checkpoint" and "tile/" in it.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type inclusion struct {
	Index  int64
	Hashes []tlog.Hash
}

type consistency struct {
	Old    int64
	Root   tlog.Hash
	Hashes []tlog.Hash
}

type request struct {
	Folder      string
	Vkey        string
	Witness     string   // the vkey of a witness, if one must have signed the checkpoint
	Secret      string   // whose note Go is to write
	Text        string   // of that note
	Old         int64    // since which size tiles are asked for
	Entries     []string // base64, all of the log
	Inclusion   []inclusion
	Consistency []consistency
}

type answer struct {
	Origin string
	Size   int64
	Note   string
	Tiles  []string // the paths of those that the tree got since Old
	Leaves []string // what each leaf is, by its entry in the bundles: "record/v2", or the kind of a note
	Faults []string
}

// published is the folder, as tlog reads tiles; tlog checks each against the checkpoint's root.
type published struct{ folder string }

func (p published) Height() int { return height }

func (p published) SaveTiles([]tlog.Tile, [][]byte) {}

func (p published) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(p.folder, path(tile)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// path is the one of C2SP tlog-tiles, which leaves out the height.
func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	var said answer
	if err := look(asked, &said); err != nil {
		said.Faults = append(said.Faults, err.Error())
	}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		panic(err)
	}
}

func look(asked request, said *answer) error {
	root, err := checkpoint(asked, said)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tlog.Tree{N: said.Size, Hash: root}, published{asked.Folder})
	if computed, err := tlog.TreeHash(said.Size, reader); err != nil || computed != root {
		return fmt.Errorf("root: %v, %v", computed, err)
	}
	for _, proof := range asked.Inclusion {
		entry, err := base64.StdEncoding.DecodeString(asked.Entries[proof.Index])
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash(entry)
		if err := tlog.CheckRecord(proof.Hashes, said.Size, root, proof.Index, leaf); err != nil {
			said.Faults = append(said.Faults, fmt.Sprintf("inclusion of %d: %v", proof.Index, err))
		}
		made, err := tlog.ProveRecord(said.Size, proof.Index, reader)
		if err != nil || fmt.Sprint(made) != fmt.Sprint(tlog.RecordProof(proof.Hashes)) {
			said.Faults = append(said.Faults, fmt.Sprintf("another inclusion of %d: %v", proof.Index, err))
		}
	}
	for _, proof := range asked.Consistency {
		if err := tlog.CheckTree(proof.Hashes, said.Size, root, proof.Old, proof.Root); err != nil {
			said.Faults = append(said.Faults, fmt.Sprintf("consistency with %d: %v", proof.Old, err))
		}
		made, err := tlog.ProveTree(said.Size, proof.Old, reader)
		if err != nil || fmt.Sprint(made) != fmt.Sprint(tlog.TreeProof(proof.Hashes)) {
			said.Faults = append(said.Faults, fmt.Sprintf("another consistency with %d: %v", proof.Old, err))
		}
	}
	for _, tile := range tlog.NewTiles(height, asked.Old, said.Size) {
		said.Tiles = append(said.Tiles, path(tile))
	}
	if err := bundles(asked, said, reader); err != nil {
		return err
	}
	signer, err := note.NewSigner(asked.Secret)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: asked.Text}, signer)
	said.Note = string(signed)
	return err
}

// checkpoint opens the published note.
func checkpoint(asked request, said *answer) (root tlog.Hash, err error) {
	verifier, err := note.NewVerifier(asked.Vkey)
	if err != nil {
		return root, err
	}
	data, err := os.ReadFile(filepath.Join(asked.Folder, "checkpoint"))
	if err != nil {
		return root, err
	}
	verifiers := []note.Verifier{verifier}
	if asked.Witness != "" {
		signer, err := newWitness(asked.Witness)
		if err != nil {
			return root, err
		}
		verifiers = append(verifiers, signer)
	}
	opened, err := note.Open(data, note.VerifierList(verifiers...))
	if err != nil {
		return root, err
	}
	if len(opened.Sigs) != len(verifiers) {
		return root, fmt.Errorf("%d signatures of %d", len(opened.Sigs), len(verifiers))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 {
		return root, fmt.Errorf("%d lines in a checkpoint", len(lines)-1)
	}
	said.Origin = lines[0]
	if said.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return root, err
	}
	return tlog.ParseHash(lines[2])
}

// witness verifies cosignatures (C2SP tlog-cosignature), whose type Go's package does not know.
type witness struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

func newWitness(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("no vkey: %s", vkey)
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 33 || key[0] != 4 {
		return nil, fmt.Errorf("no key of a witness: %s, %v", vkey, err)
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	return witness{parts[0], binary.BigEndian.Uint32(sum[:4]), key[1:]}, nil
}

func (w witness) Name() string { return w.name }

func (w witness) KeyHash() uint32 { return w.hash }

func (w witness) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(w.public, append([]byte(head), msg...), sig[8:])
}

// leaf says what an entry is.
func leaf(entry []byte) (string, error) {
	tag, text, found := strings.Cut(strings.TrimPrefix(string(entry), "informativa/"), "\n")
	if !found || tag != "note/v2" {
		return tag, nil
	}
	var said struct{ Kind string }
	err := json.Unmarshal([]byte(text), &said)
	return said.Kind, err
}

// bundles compares the published entries, and the hashes in the tiles of level 0, with those that it was given.
func bundles(asked request, said *answer, reader tlog.HashReader) error {
	size := said.Size
	for begin := int64(0); begin < size; begin += 1 << height {
		width := size - begin
		if width > 1<<height {
			width = 1 << height
		}
		tile := tlog.Tile{H: height, L: -1, N: begin >> height, W: int(width)}
		name := strings.Replace(path(tile), "/data/", "/entries/", 1)
		data, err := os.ReadFile(filepath.Join(asked.Folder, name))
		if err != nil {
			return err
		}
		for at := begin; at < begin+int64(tile.W); at++ {
			entry, err := base64.StdEncoding.DecodeString(asked.Entries[at])
			if err != nil {
				return err
			}
			expected := append(binary.BigEndian.AppendUint16(nil, uint16(len(entry))), entry...)
			if !bytes.HasPrefix(data, expected) {
				return fmt.Errorf("%s: entry %d", name, at)
			}
			published := data[2:len(expected)]
			data = data[len(expected):]
			hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, at)})
			if err != nil || hashes[0] != tlog.RecordHash(published) {
				return fmt.Errorf("%s: entry %d is not its leaf: %v", name, at, err)
			}
			kind, err := leaf(published)
			if err != nil {
				return fmt.Errorf("%s: entry %d: %v", name, at, err)
			}
			said.Leaves = append(said.Leaves, kind)
		}
		if len(data) != 0 {
			return fmt.Errorf("%s: %d bytes too many", name, len(data))
		}
	}
	return nil
}
