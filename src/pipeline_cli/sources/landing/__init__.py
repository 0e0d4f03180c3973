"""What an API sent, kept on disk as received until it is loaded, so that an extraction that was killed goes on.

    .pipeline/<environment>/landed/<source>/<when the extraction began>/
        landing.json                  what was asked of whom, and whether all of it is in
        <resource>/answers.jsonl      one line an answer: its request, its headers that matter, where its body is
        <resource>/00000001.json.zst  the body of a larger one (or .gz), as received; small ones stand in their line

A landing is a set of answers by request, below dlt and its paginators: the next run asks what it would ask in any
case, and what has landed is answered from here. So cursors, next-links, offsets and page numbers all go on where
they were, with no position to keep beside the answers, and everything above (the gate, the incremental cursor)
sees each page again. Anything that changes a request makes it another one, which the API answers.

What an answer holds of secrets is replaced by a mark, which only the same secrets turn back.
"""
