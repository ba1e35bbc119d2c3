/*
 * Names of signatures, as users write them, and their numbers, as the data plane has them (catalog.def). Pure: who
 * checks a user's words need not have the library that recognises them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Numbers of signatures have this bit where they stand beside those of Applications, which do not. */
#define PT_DPI_SIGNATURE 0x800000U

/* A signature's number by its name; 0: there is none. */
uint32_t pt_dpi_signature_number(const char *name);
/* Its name; NULL: there is none. */
const char *pt_dpi_signature_name(uint32_t number);
/* The signature at `index` of the list, with the name by which the library knows it; false behind the last. */
int pt_dpi_signature_at(size_t index, uint32_t *ret_number, const char **ret_name, const char **ret_library_name);
/* The name that a wrong one was probably meant to be; NULL: none is near. */
const char *pt_dpi_signature_near(const char *name);
