module bundlesync.test/drive

go 1.19
