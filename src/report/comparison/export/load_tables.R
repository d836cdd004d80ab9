# Loads the tables of this folder into a list of data frames.
#
# In R:          tables <- source("load_tables.R", chdir = TRUE)$value
# In a terminal: Rscript load_tables.R
# An empty cell is NA: it was not measured. Ids and names stay text, also those like NA, NULL or 10.

argument <- grep("^--file=", commandArgs(FALSE), value = TRUE)
folder <- if (length(argument) == 1) dirname(sub("^--file=", "", argument)) else "."
files <- sort(list.files(folder, pattern = "[.]csv$", full.names = TRUE))
text <- c("animal_id", "cage", "slide_id", "group", "block", "tissue", "feature",
          "group_a", "group_b", "contrast", "physiology", "scenario")
tables <- lapply(files, function(file) {
  heading <- names(read.csv(file, nrows = 0, check.names = FALSE, encoding = "UTF-8"))
  classes <- ifelse(heading %in% text, "character", NA)
  read.csv(file, colClasses = classes, na.strings = "", check.names = FALSE, encoding = "UTF-8")
})
names(tables) <- sub("[.]csv$", "", basename(files))
if (!interactive() && length(argument) == 1) {
  for (name in names(tables)) {
    cat(sprintf("%s: %d rows, %d columns\n", name, nrow(tables[[name]]), ncol(tables[[name]])))
  }
}
invisible(tables)
