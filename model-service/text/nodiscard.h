/* nodiscard.h - marks a function whose result must not be ignored: it says whether it worked. */
#ifndef TEXT_NODISCARD_H
#define TEXT_NODISCARD_H

#ifndef NODISCARD /* libdrift's headers, which stand alone, define the same */
#define NODISCARD __attribute__((warn_unused_result))
#endif

#endif
