/* foreign.c - files that are not CSV, recognised by their first bytes. */
#include "csv/format.h"
#include "csv/scan.h"

#include <errno.h>
#include <string.h>

#define MAGIC_BYTES 8

#define DECOMPRESS(program)                                                                        \
    "decompress it first, or pass its rows through a pipe, as <(" program " FILE) in bash"
#define WITH_PANDAS(call)                                                                          \
    "write it as CSV first, for example with pandas: " call ".to_csv(\"FILE.csv\", index=False)"

static const struct {
    char magic[MAGIC_BYTES + 1];
    size_t bytes;
    const char *kind, *remedy;
} formats[] = {
    /* once more, behind what csv/source.c has taken off */
    {"\x1f\x8b", 2, "is compressed with gzip", DECOMPRESS("zcat")},
    {"\x28\xb5\x2f\xfd", 4, "is compressed with zstd", DECOMPRESS("zstdcat")},
    {"\xfd\x37zXZ", 5, "is compressed with xz", DECOMPRESS("xzcat")},
    {"BZh91AY&", 8, "is compressed with bzip2", DECOMPRESS("bzcat")},
    {"PAR1\x15", 5, "is a Parquet file", WITH_PANDAS("pandas.read_parquet(\"FILE\")")},
    {"ARROW1\0\0", 8, "is an Arrow or Feather file", WITH_PANDAS("pandas.read_feather(\"FILE\")")},
    {"\x89HDF\r\n", 6, "is an HDF5 file", WITH_PANDAS("pandas.read_hdf(\"FILE\")")},
    {"PK\3\4", 4, "is a ZIP archive or an Excel workbook",
     "unpack it, or save the sheet as CSV first"},
    {"SQLite f", 8, "is an SQLite database", "export the table as CSV first"},
    {"\x80\4\x95", 3, "is a pickle", WITH_PANDAS("pandas.read_pickle(\"FILE\")")},
    {"\x80\5\x95", 3, "is a pickle", WITH_PANDAS("pandas.read_pickle(\"FILE\")")},
};

int csv_refuse_foreign(const char *path, const char *text, size_t bytes, struct error *error)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const size_t magic = formats[i].bytes;

        if (bytes < magic || memcmp(text, formats[i].magic, magic) != 0)
            continue;
        return csv_fail(path, error, -EBADMSG, 0, "the file %s, not CSV: %s", formats[i].kind,
                        formats[i].remedy);
    }
    return 0;
}
