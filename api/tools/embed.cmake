# Write OUT, an assembler file that embeds BLOB as SYMBOL, with SYMBOL_end behind it.
file(WRITE ${OUT} "    .section .rodata\n    .global ${SYMBOL}\n    .global ${SYMBOL}_end\n    .balign 16\n"
    "${SYMBOL}:\n    .incbin \"${BLOB}\"\n${SYMBOL}_end:\n    .byte 0\n    .section .note.GNU-stack,\"\",@progbits\n")
