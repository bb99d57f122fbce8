// The same as null.c in Go: reads the environment, sets the result variables, closes.
package main

import (
	"bufio"
	"net"
	"os"
)

const answer = "EXEC \"MSet\" \"INFORMATIVA_RECORD=1," +
	"INFORMATIVA_REASON=already-informed,INFORMATIVA_STATUS=NOTDUE\"\n"

func handle(call net.Conn) {
	defer call.Close()
	lines := bufio.NewReader(call)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if line == "\n" {
			break
		}
	}
	if _, err := call.Write([]byte(answer)); err == nil {
		lines.ReadString('\n')
	}
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:"+os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	for {
		if call, err := listener.Accept(); err == nil {
			go handle(call)
		}
	}
}
