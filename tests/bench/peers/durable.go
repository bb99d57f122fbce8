// The same as durable.c in Go: one goroutine for each call, one that writes, and a commit for all that wait for it.
package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

const known = "EXEC \"MSet\" \"INFORMATIVA_RECORD=%d," +
	"INFORMATIVA_REASON=already-informed,INFORMATIVA_STATUS=NOTDUE\"\n"

type call struct {
	who            []byte
	unique, linked string
	record         chan int64
}

// A statement, and which of a call's values it takes.
type statement struct {
	*sql.Stmt
	text string
}

func prepared(ledger *sql.DB, text string) statement {
	made, err := ledger.Prepare(text)
	must(err)
	return statement{made, text}
}

func (one statement) values(all map[string]any) (some []any) {
	for name, value := range all {
		if strings.Contains(one.text, ":"+name) {
			some = append(some, sql.Named(name, value))
		}
	}
	return some
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// The environment, with its names; nil where the connection ended before it was whole.
func environment(lines *bufio.Reader) map[string]string {
	found := map[string]string{}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil
		}
		if line == "\n" {
			return found
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		found[name] = value
		if linked, ours := strings.CutPrefix(value, "linked="); ours {
			found["linked"] = linked
		}
	}
}

func handle(connection net.Conn, writer chan<- *call) {
	defer connection.Close()
	lines := bufio.NewReader(connection)
	found := environment(lines)
	if found["agi_callerid"] == "" {
		return
	}
	who := make([]byte, 32)
	copy(who, found["agi_callerid"])
	one := &call{who, found["agi_uniqueid"], found["linked"], make(chan int64, 1)}
	writer <- one
	if record := <-one.record; record != 0 {
		if _, err := fmt.Fprintf(connection, known, record); err == nil {
			lines.ReadString('\n')
		}
	}
}

// Who waits when it begins is in the group: while it commits, the next gather.
func write(ledger *sql.DB, lookUp statement, inserts []statement, waiting <-chan *call) {
	for first := range waiting {
		group := []*call{first}
		for more := len(waiting); more > 0; more-- {
			group = append(group, <-waiting)
		}
		transaction, err := ledger.Begin()
		must(err)
		records := make([]int64, len(group))
		for i, one := range group {
			records[i] = record(transaction, lookUp, inserts, one)
		}
		must(transaction.Commit())
		for i, one := range group {
			one.record <- records[i]
		}
	}
}

// The number of its record; 0, and nothing is written, where the caller is not known.
func record(transaction *sql.Tx, lookUp statement, inserts []statement, one *call) int64 {
	all := map[string]any{
		"who": one.who, "at": time.Now().UnixMicro(), "call": one.unique, "linked": one.linked,
		"record": int64(0), "basis": int64(0),
	}
	var basis int64
	err := transaction.Stmt(lookUp.Stmt).QueryRow(lookUp.values(all)...).Scan(&basis)
	if err == sql.ErrNoRows {
		return 0
	}
	must(err)
	all["basis"] = basis
	for i, insert := range inserts {
		result, err := transaction.Stmt(insert.Stmt).Exec(insert.values(all)...)
		must(err)
		if i == 0 {
			all["record"], err = result.LastInsertId()
			must(err)
		}
	}
	return all["record"].(int64)
}

func main() {
	ledger, err := sql.Open("sqlite3", "file:"+os.Args[2]+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate")
	must(err)
	ledger.SetMaxOpenConns(1)
	lookUp := prepared(ledger, os.Args[3])
	var inserts []statement
	for _, text := range os.Args[4:] {
		inserts = append(inserts, prepared(ledger, text))
	}
	waiting := make(chan *call, 4096)
	go write(ledger, lookUp, inserts, waiting)
	listener, err := net.Listen("tcp4", "127.0.0.1:"+os.Args[1])
	must(err)
	for {
		if connection, err := listener.Accept(); err == nil {
			go handle(connection, waiting)
		}
	}
}
